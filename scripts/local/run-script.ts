import { type ParseArgsConfig, parseArgs } from 'node:util';
import { LocalError } from './settings.ts';

/** Parses the arguments of a script. @throws LocalError that names a wrong argument and shows the usage */
export function parseArguments<const Config extends ParseArgsConfig>(config: Config, usage: string) {
  try {
    return parseArgs(config);
  } catch (error) {
    throw new LocalError(`${error instanceof Error ? error.message : error}\nUsage: ${usage}`);
  }
}

/** Runs a script's main function. Prints a LocalError as its message only, and any other error with its stack. */
export async function runScript(main: () => Promise<void> | void): Promise<void> {
  try {
    await main();
  } catch (error) {
    console.error(error instanceof LocalError ? `\n${error.message}` : error);
    process.exitCode = 1;
  }
}
