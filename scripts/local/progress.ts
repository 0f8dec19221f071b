/** Does a step of some work and tells about it: what it is, what came of it, how long it took. */
export type Step = <Result>(
  title: string,
  work: () => Result | Promise<Result>,
  outcome?: (result: Result) => string,
) => Promise<Result>;

const SLOW_MS = 1_500;

/** Tells on standard output, one line a step once it is done, and one before when it takes a while. */
export const tellStep: Step = async (title, work, outcome) => {
  const startedAtMs = performance.now();
  const slow = setTimeout(() => tell(`  … ${title}`), SLOW_MS);
  try {
    const result = await work();
    tell(`  ✓ ${[title, outcome?.(result)].filter(Boolean).join(': ')} (${secondsSince(startedAtMs)})`);
    return result;
  } catch (error) {
    tell(`  ✗ ${title} (${secondsSince(startedAtMs)})`);
    throw error;
  } finally {
    clearTimeout(slow);
  }
};

/** Tells nobody. */
export const silentStep: Step = async (_title, work) => work();

/** 1.2 s */
export const secondsSince = (startedAtMs: number): string =>
  `${((performance.now() - startedAtMs) / 1_000).toFixed(1)} s`;

const tell = (line: string) => process.stdout.write(`${line}\n`);
