/** Resolves when the dependency answers; rejects, or aborts with the signal, when it does not. */
export type ReadinessCheck = (signal: AbortSignal) => Promise<unknown>;

export interface ReadinessReport {
  /** Degraded: what the process needs is up, something that it can do without is not. */
  status: 'ready' | 'degraded' | 'unready';
  checks: Record<string, { status: 'up' | 'down'; latencyMs: number; reason?: string }>;
}

export const CHECK_TIMEOUT_MS = 1_000;

export type ReadinessChecks = Readonly<Record<string, ReadinessCheck>>;

/** Asks every dependency at once, each within a second. The reason names the kind of failure, never an address. */
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

/** A dependency's state that is known already, as a check. */
export const stateCheck = (isUp: () => boolean, reason: string) => async (): Promise<void> => {
  if (!isUp()) throw new NotReadyError(reason);
};

/** What a part warns of while it still works, as a check. */
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
