/** Checks a dependency: resolves when it is available, otherwise rejects. It should stop when the signal is aborted. */
export type ReadinessCheck = (signal: AbortSignal) => Promise<unknown>;

export interface ReadinessReport {
  /** unready: a required dependency is down. degraded: only optional dependencies are down. */
  status: 'ready' | 'degraded' | 'unready';
  checks: Record<string, { status: 'up' | 'down'; latencyMs: number; reason?: string }>;
}

export const CHECK_TIMEOUT_MS = 1_000;

export type ReadinessChecks = Readonly<Record<string, ReadinessCheck>>;

/** Checks all dependencies in parallel, each with a limit of CHECK_TIMEOUT_MS. Reasons contain no addresses. */
export async function checkReadiness(required: ReadinessChecks, optional: ReadinessChecks): Promise<ReadinessReport> {
  const [requiredChecks, optionalChecks] = await Promise.all([runChecks(required), runChecks(optional)]);
  const isUp = ({ status }: { status: string }) => status === 'up';
  const status = !Object.values(requiredChecks).every(isUp)
    ? 'unready'
    : Object.values(optionalChecks).every(isUp)
      ? 'ready'
      : 'degraded';
  return { status, checks: { ...requiredChecks, ...optionalChecks } };
}

async function runChecks(checks: ReadinessChecks): Promise<ReadinessReport['checks']> {
  const outcomes = Object.entries(checks).map(async ([name, check]) => {
    const startedAtMs = performance.now();
    const reason = await failureOf(check);
    const latencyMs = Math.round((performance.now() - startedAtMs) * 10) / 10;
    return [name, { status: reason === undefined ? 'up' : 'down', latencyMs, ...(reason && { reason }) }] as const;
  });
  return Object.fromEntries(await Promise.all(outcomes));
}

/** A check of a state that is already known. `reason` is reported while `isUp` returns false. */
export const stateCheck = (isUp: () => boolean, reason: string) => async (): Promise<void> => {
  if (!isUp()) throw new NotReadyError(reason);
};

/** A check that fails with a warning while there is one. */
export const warningCheck = (warning: () => string | undefined) => async (): Promise<void> => {
  const reason = warning();
  if (reason !== undefined) throw new NotReadyError(reason);
};

class NotReadyError extends Error {}

async function failureOf(check: ReadinessCheck): Promise<string | undefined> {
  const signal = AbortSignal.timeout(CHECK_TIMEOUT_MS);
  const timedOut = new Promise<string>((resolve) => {
    signal.addEventListener('abort', () => resolve('no answer in time'), { once: true });
  });
  const failed = check(signal).then(
    () => undefined,
    (error: unknown) => {
      if (error instanceof NotReadyError) return error.message;
      return error instanceof Error && 'code' in error ? String(error.code) : 'failed';
    },
  );
  return Promise.race([failed, timedOut]);
}
