import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Returns how to spawn a program: a command, and the arguments that precede the program's own arguments. */
export type CommandOf = (program: string) => readonly [command: string, ...args: string[]];

const FOLDERS = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin', '/usr/local/bin'];

/** The path of a program on this machine; undefined when it is not installed. */
export const findProgram = (name: string): string | undefined =>
  FOLDERS.map((folder) => join(folder, name)).find((file) => {
    try {
      accessSync(file, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });

/** Runs the programs that are installed on this machine. */
export const installedCommand: CommandOf = (program) => [findProgram(program) ?? program];
