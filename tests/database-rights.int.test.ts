import { createConnection } from 'mariadb';
import { describe, expect, inject, it } from 'vitest';

describe('the MySQL user of each subgraph', () => {
  const { databaseUrls } = inject('servers');
  const names = Object.keys(databaseUrls) as (keyof typeof databaseUrls)[];

  const connect = (url: string, database?: string) => {
    const { hostname, port, username, password, pathname } = new URL(url);
    const account = { host: hostname, port: Number(port), user: username, password };
    return createConnection({ ...account, database: database ?? pathname.slice(1) });
  };

  it.each(names)('of %s sees its own database and no other', async (name) => {
    const connection = await connect(databaseUrls[name]);
    const rows = await connection.query<{ Database: string }[]>('SHOW DATABASES');
    await connection.end();
    expect(rows.map(({ Database }) => Database).filter((one) => one !== 'information_schema')).toEqual([`${name}_db`]);
  });

  it.each(names)('of %s is refused by every other database', async (name) => {
    for (const other of names.filter((one) => one !== name)) {
      await expect(connect(databaseUrls[name], `${other}_db`)).rejects.toMatchObject({ errno: 1044 });
    }
  });

  it('is another one for each', () => {
    expect(new Set(names.map((name) => new URL(databaseUrls[name]).username)).size).toBe(4);
  });
});
