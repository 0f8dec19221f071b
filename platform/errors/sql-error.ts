export const SQL_ERROR = {
  duplicateKey: 1062,
  lockWaitTimeout: 1205,
  statementTimeout: { mariadb: 1969, mysql: 3024 },
} as const;

/** The server's or driver's error number behind an error thrown through Prisma or the driver itself. */
export function sqlErrorNumber(error: unknown): number | undefined {
  const cause = driverError(error);
  // The driver's own errors have a name for their code, and the number beside it.
  return [cause?.originalCode, cause?.code, cause?.errno].map(Number).find(Number.isFinite);
}

export interface DriverError {
  originalCode?: unknown;
  code?: unknown;
  errno?: unknown;
  kind?: unknown;
}

/** What the driver said, in an error thrown through Prisma or the driver itself. */
export function driverError(error: unknown): DriverError | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const { meta, cause } = error as { meta?: { driverAdapterError?: { cause?: DriverError } }; cause?: DriverError };
  return meta?.driverAdapterError?.cause ?? (cause && 'kind' in cause ? cause : error);
}
