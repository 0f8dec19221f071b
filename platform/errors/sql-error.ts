export const SQL_ERROR = {
  duplicateKey: 1062,
  lockWaitTimeout: 1205,
  deadlock: 1213,
  /** The savepoint does not exist, see driverTransactions. */
  transactionEnded: 1305,
  statementTimeout: { mariadb: 1969, mysql: 3024 },
} as const;

/** The error number of the server or driver in an error of Prisma or of the driver; undefined without one. */
export function sqlErrorNumber(error: unknown): number | undefined {
  const cause = driverError(error);
  // In the driver's own errors `code` is a name and `errno` the number.
  return [cause?.originalCode, cause?.code, cause?.errno].map(Number).find(Number.isFinite);
}

export interface DriverError {
  originalCode?: unknown;
  code?: unknown;
  errno?: unknown;
  kind?: unknown;
}

/** The driver's error inside an error of Prisma, or the error itself; undefined for other values than objects. */
export function driverError(error: unknown): DriverError | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const { meta, cause } = error as { meta?: { driverAdapterError?: { cause?: DriverError } }; cause?: DriverError };
  return meta?.driverAdapterError?.cause ?? (cause && 'kind' in cause ? cause : error);
}
