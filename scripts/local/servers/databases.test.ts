import { expect, test } from 'vitest';
import { takeDatabase } from './databases.ts';

test('without --database everything runs on MariaDB', () => {
  expect(takeDatabase(['--project', 'e2e'])).toEqual({ database: 'mariadb', rest: ['--project', 'e2e'] });
});

test('--database and its value are taken out of the arguments, wherever they stand', () => {
  expect(takeDatabase(['a', '--database', 'mysql', 'b'])).toEqual({ database: 'mysql', rest: ['a', 'b'] });
});

test.each([['--database'], ['--database', 'oracle']])(
  '%s %s is refused, and the names that may stand there are told',
  (...args) => {
    expect(() => takeDatabase(args)).toThrow('--database takes one of: mariadb, mysql');
  },
);
