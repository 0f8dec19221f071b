import { LocalError } from './settings.ts';

/** Runs a script's main function: what the person can put right is told in a sentence, anything else with its stack. */
export async function runScript(main: () => Promise<void>): Promise<void> {
  try {
    await main();
  } catch (error) {
    console.error(error instanceof LocalError ? `\n${error.message}` : error);
    process.exitCode = 1;
  }
}
