import { LocalError } from './settings.ts';

/** Runs a script's main function. Prints a LocalError as its message only, and any other error with its stack. */
export async function runScript(main: () => Promise<void> | void): Promise<void> {
  try {
    await main();
  } catch (error) {
    console.error(error instanceof LocalError ? `\n${error.message}` : error);
    process.exitCode = 1;
  }
}
