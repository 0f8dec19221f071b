import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openConnection } from '#platform/migrations.ts';
import { createTestDatabase } from '#platform/testing/database.ts';
import { root, SUBGRAPHS, type SubgraphName } from '#scripts/local/settings.ts';
import { shapesInDatabase, shapesInSchema } from './support/table-shapes.ts';

const readSchema = (name: SubgraphName) => readFile(join(root, 'prisma', name, 'schema.prisma'), 'utf8');

test.each(SUBGRAPHS)('the migrations of %s make the tables that its Prisma schema describes', async (name) => {
  const database = await createTestDatabase(name);
  const connection = await openConnection(database.url);
  expect(await shapesInDatabase(connection)).toEqual(shapesInSchema(await readSchema(name)));
  await connection.end();
  await database.drop();
});

test.each([
  ['a type', '@db.VarChar(64)', '@db.VarChar(65)'],
  ['a native type left out', '@db.LongText', ''],
  ['nullability', 'DateTime?', 'DateTime'],
  ['a default', '@default("PENDING")', ''],
  ['a column name', '@map("user_id")', '@map("user")'],
  ['a primary key', '@@id([consumer, messageId])', '@@id([messageId, consumer])'],
  ['a unique index', '@@unique([bookingId, kind])', '@@index([bookingId, kind])'],
  ['a plain index', '@@index([userId, id])', ''],
  ['a table name', '@@map("inbox")', '@@map("inboxes")'],
])('control: a schema that differs in %s is told apart', async (_what, original, changed) => {
  const schema = await readSchema('notification');
  expect(schema).toContain(original);
  expect(shapesInSchema(schema.replace(original, changed))).not.toEqual(shapesInSchema(schema));
});
