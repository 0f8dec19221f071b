import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** What to spawn in order to run a program: the command, and the arguments that go before the program's own. */
export type CommandOf = (program: string) => readonly [command: string, ...args: string[]];

const FOLDERS = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin', '/usr/local/bin'];

/** The path of a program on this machine, if it is there. */
export const findProgram = (name: string): string | undefined =>
  FOLDERS.map((folder) => join(folder, name)).find((file) => {
    try {
      accessSync(file, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });

/** The programs that are installed on this machine. */
export const installedCommand: CommandOf = (program) => [findProgram(program) ?? program];
