import { expect, test } from 'vitest';
import { takeDatabase } from './databases.ts';

test('the database is MariaDB without --database', () => {
  expect(takeDatabase(['--project', 'e2e'])).toEqual({ database: 'mariadb', rest: ['--project', 'e2e'] });
});

test('--database and its value are removed from any position in the arguments', () => {
  expect(takeDatabase(['a', '--database', 'mysql', 'b'])).toEqual({ database: 'mysql', rest: ['a', 'b'] });
});

test.each([['--database'], ['--database', 'oracle']])(
  '%s %s is refused, and the error names the allowed values',
  (...args) => {
    expect(() => takeDatabase(args)).toThrow('--database takes one of: mariadb, mysql');
  },
);
