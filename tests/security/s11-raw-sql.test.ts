import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from '#scripts/local/settings.ts';

const FILES = globSync(['platform/**/*.ts', 'subgraphs/*/**/*.ts', 'gateway/**/*.ts'], { cwd: root })
  .filter((file) => !/generated|testing|\.test\.ts$/.test(file))
  .sort();
const linesWith = (pattern: RegExp, files = FILES) =>
  files.flatMap((file) =>
    readFileSync(join(root, file), 'utf8')
      // A template may begin on the line after the call.
      .replace(/\(\n\s*sql`/g, '(sql`')
      .split('\n')
      .filter((line) => pattern.test(line))
      .map((line) => `${file}: ${line.trim()}`),
  );

/** Functions that run a text as SQL, without parameters for the values in it. */
const UNSAFE = /\$(?:queryRaw|executeRaw)Unsafe|\braw\(|\bsqltag\(|\bnew Sql\(|Prisma\.raw/;
/** Statements that go directly to the driver, without Prisma's tag. */
const DRIVER = /\b(?:pool|connection)\.(?:query|execute|batch)\(/;

describe('S11: SQL and subjects', () => {
  it('SQL is written in tagged templates, which turn each value into a parameter', () => {
    expect(FILES.length).toBeGreaterThan(100);
    expect(linesWith(UNSAFE)).toEqual([]);
    expect(linesWith(/\$(?:queryRaw|executeRaw)(?:<[^>]*(?:<[^>]*>)?[^>]*>)?\((?!sql`|join\(|statement\))/)).toEqual([
      // The types of the two methods. A statement has the type Sql, and only the tag creates such values.
      'platform/database/database.ts: $queryRaw<Rows>(statement: Sql): PromiseLike<Rows>;',
      'platform/database/database.ts: $executeRaw(statement: Sql): PromiseLike<number>;',
    ]);
  });

  it('direct calls of the driver have constant statements only', () => {
    expect(linesWith(DRIVER).filter((line) => !line.startsWith('platform/database/migrations.ts'))).toEqual([
      'platform/database/deadline-pool.ts: return await connection.query(statement as QueryOptions, values);',
      'platform/database/debug.ts: answer[name] = await readPart((statement) => connection.query(statement), connection.threadId);',
      'platform/database/transactions.ts: const begun = connection.query(BEGIN.sql);',
      'platform/database/transactions.ts: const result = await connection.query(statement.sql, statement.values);',
      'platform/database/transactions.ts: $queryRaw: (statement) => pool.query(statement.sql, statement.values),',
      'platform/database/transactions.ts: $executeRaw: async (statement) => ((await pool.query(statement.sql, statement.values)) as UpsertResult).affectedRows,',
      "platform/subgraph-service.ts: required: { database: () => pool.query('SELECT 1') },",
    ]);
  });

  it('messages are published on subjects of the contracts, or on the subject of a dead letter', () => {
    const publications = linesWith(/\.publish\(/).map((line) =>
      line.replace(/, (?:payload|deadLetter\.payload|message\.data).*/, ''),
    );
    expect(publications.sort()).toEqual([
      // `to` is the dead-letter subject of the consumer.
      'platform/messaging/dead-letter.ts: await client.publish(to',
      'platform/messaging/dead-letter.ts: await client.publish(to',
      'platform/outbox/relay.ts: client.publish(broker.subject(subject)',
      'subgraphs/notification/commands/redrive-dead-letter.ts: await client.publish(broker.subject(subject)',
    ]);
    // Only these files write to the outbox, each with the message types of its contract.
    const writers = linesWith(/appendToOutbox\(transaction|\.\.\.outboxStatements\(/);
    expect(writers.map((line) => line.split(':')[0]).sort()).toEqual([
      'subgraphs/booking/commands/allocate-batch.ts',
      'subgraphs/event/messaging/event-changed.ts',
      'subgraphs/user/messaging/token-requested.ts',
      'subgraphs/user/messaging/user-deleted.ts',
      'subgraphs/user/messaging/user-registered.ts',
    ]);
  });

  it('control: the patterns find such calls', () => {
    expect(UNSAFE.test('await database.$queryRawUnsafe(text)')).toBe(true);
    expect(DRIVER.test('connection.query(text)')).toBe(true);
  });
});
