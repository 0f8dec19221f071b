import { LocalError } from '../settings.ts';

/** The databases that the system supports: MariaDB from Debian (the default), and MySQL as in production. */
export const DATABASES = ['mariadb', 'mysql'] as const;
export type Database = (typeof DATABASES)[number];

const OPTION = '--database';

/** Removes `--database <name>` from a command's arguments. @throws LocalError for any other name */
export function takeDatabase(args: readonly string[]): { database: Database; rest: string[] } {
  const at = args.indexOf(OPTION);
  if (at === -1) return { database: 'mariadb', rest: [...args] };
  const database = DATABASES.find((name) => name === args[at + 1]);
  if (database === undefined) throw new LocalError(`${OPTION} takes one of: ${DATABASES.join(', ')}`);
  return { database, rest: args.toSpliced(at, 2) };
}
