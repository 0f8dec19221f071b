import { describe, expect, inject, it } from 'vitest';
import { openConnection } from '#platform/database/migrations.ts';

describe('the MySQL user of each subgraph', () => {
  const { databaseUrls } = inject('servers');
  const names = Object.keys(databaseUrls) as (keyof typeof databaseUrls)[];

  it.each(names)('of %s sees its own database and no other', async (name) => {
    const connection = await openConnection(databaseUrls[name]);
    const rows = await connection.query<{ Database: string }[]>('SHOW DATABASES');
    await connection.end();
    const own = rows.map(({ Database }) => Database).filter((one) => !/^(information|performance)_schema$/.test(one));
    expect(own).toEqual([`${name}_db`]);
  });

  it.each(names)('of %s is refused by every other database', async (name) => {
    for (const other of names.filter((one) => one !== name)) {
      const url = new URL(`${other}_db`, databaseUrls[name]).href;
      await expect(openConnection(url)).rejects.toMatchObject({ errno: 1044 });
    }
  });

  it('is another one for each', () => {
    expect(new Set(names.map((name) => new URL(databaseUrls[name]).username)).size).toBe(names.length);
  });
});
