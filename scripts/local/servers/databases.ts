import { LocalError } from '../settings.ts';

/** The two that everything runs on: Debian's MariaDB, the default, and the MySQL that is deployed. */
export const DATABASES = ['mariadb', 'mysql'] as const;
export type Database = (typeof DATABASES)[number];

const OPTION = '--database';

/** Takes `--database <name>` out of a command's arguments. @throws LocalError for a name that is not one of the two. */
export function takeDatabase(args: readonly string[]): { database: Database; rest: string[] } {
  const at = args.indexOf(OPTION);
  if (at === -1) return { database: 'mariadb', rest: [...args] };
  const database = DATABASES.find((name) => name === args[at + 1]);
  if (database === undefined) throw new LocalError(`${OPTION} takes one of: ${DATABASES.join(', ')}`);
  return { database, rest: args.toSpliced(at, 2) };
}
