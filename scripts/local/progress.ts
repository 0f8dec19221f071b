/** Runs a step of work and reports its title, its outcome and its duration. */
export type Step = <Result>(
  title: string,
  work: () => Result | Promise<Result>,
  outcome?: (result: Result) => string,
) => Promise<Result>;

const SLOW_MS = 1_500;

/** Prints one line on standard output when a step ends, and an earlier line when the step is slow. */
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

/** Reports nothing. */
export const silentStep: Step = async (_title, work) => work();

/** The time since startedAtMs, like "1.2 s". */
export const secondsSince = (startedAtMs: number): string =>
  `${((performance.now() - startedAtMs) / 1_000).toFixed(1)} s`;

const tell = (line: string) => process.stdout.write(`${line}\n`);
