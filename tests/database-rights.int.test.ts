import { describe, expect, inject, it } from 'vitest';
import { openConnection } from '#platform/database/migrations.ts';

describe('the database users of the subgraphs', () => {
  const { databaseUrls } = inject('servers');
  const names = Object.keys(databaseUrls) as (keyof typeof databaseUrls)[];

  it.each(names)('the user of %s sees only its own database', async (name) => {
    const connection = await openConnection(databaseUrls[name]);
    const rows = await connection.query<{ Database: string }[]>('SHOW DATABASES');
    await connection.end();
    const own = rows.map(({ Database }) => Database).filter((one) => !/^(information|performance)_schema$/.test(one));
    expect(own).toEqual([`${name}_db`]);
  });

  it.each(names)('the user of %s cannot open the database of another subgraph', async (name) => {
    for (const other of names.filter((one) => one !== name)) {
      const url = new URL(`${other}_db`, databaseUrls[name]).href;
      await expect(openConnection(url)).rejects.toMatchObject({ errno: 1044 });
    }
  });

  it('each subgraph has its own user', () => {
    expect(new Set(names.map((name) => new URL(databaseUrls[name]).username)).size).toBe(names.length);
  });
});
