import { expect, it } from 'vitest';

/**
 * A run whose tests fail on purpose: `npm run test:faults -- --controls` sets it. In that run the tests take their
 * guards away and must fail.
 */
const IS_CONTROL_RUN = process.env.FAULT_CONTROLS === '1';
/** `npm run test:faults` sets it. The faults then last as long as the promises say. */
export const IS_FULL_RUN = process.env.FAULT_LENGTH === 'full';

export const SEED = Number(process.env.TEST_SEED ?? Date.now() % 100_000);

const TIMEOUT_MS = 150_000;

/** Shows that a test can fail. */
export interface Control {
  /** What the control takes away or breaks, for the name of the test. */
  readonly without: string;
  /** The error with which the test must then fail. */
  readonly fails: RegExp;
}

/** Registers a test and its control. `prove` gets true in the control, and must then fail with the expected error. */
export function promise(
  title: string,
  { without, fails, timeoutMs = TIMEOUT_MS }: Control & { timeoutMs?: number },
  prove: (isControl: boolean) => Promise<void>,
): void {
  if (IS_CONTROL_RUN) {
    const name = `control: without ${without} this fails: ${title}`;
    it(name, { timeout: timeoutMs }, () => expect(prove(true)).rejects.toThrow(fails));
  } else it(title, { timeout: timeoutMs }, () => prove(false));
}
