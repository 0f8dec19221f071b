import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openConnection } from '#platform/database/migrations.ts';
import { createTestDatabase } from '#platform/testing/database.ts';
import { root } from '#scripts/local/settings.ts';
import { SUBGRAPHS, type SubgraphName } from '#services';
import { shapesInDatabase, shapesInSchema } from './support/table-shapes.ts';

const readSchema = (name: SubgraphName) => readFile(join(root, 'prisma', name, 'schema.prisma'), 'utf8');

test.each(SUBGRAPHS)('the migrations of %s create the tables that its Prisma schema describes', async (name) => {
  const database = await createTestDatabase(name);
  const connection = await openConnection(database.url);
  expect(await shapesInDatabase(connection)).toEqual(shapesInSchema(await readSchema(name)));
  await connection.end();
  await database.drop();
});

const SAMPLE = `model Note {
  consumer  String    @db.VarChar(64)
  id        String    @map("note_id") @db.Char(36)
  body      String    @db.LongText
  kind      String    @default("PLAIN") @db.VarChar(16)
  createdAt DateTime  @default(now()) @db.DateTime(3)
  readAt    DateTime? @db.DateTime(3)
  @@id([consumer, id])
  @@unique([id, kind])
  @@index([createdAt])
  @@map("notes")
}`;

test.each([
  ['a length', '@db.VarChar(64)', '@db.VarChar(65)'],
  ['a column type', '@db.LongText', ''],
  ['nullability', 'DateTime?', 'DateTime'],
  ['a default', '@default("PLAIN")', ''],
  ['a column name', '@map("note_id")', ''],
  ['the primary key', '@@id([consumer, id])', '@@id([id, consumer])'],
  ['a unique index', '@@unique', '@@index'],
  ['a plain index', '@@index([createdAt])', ''],
  ['a table name', '@@map("notes")', ''],
])('control: a schema that differs in %s is found', (_what, original, changed) => {
  expect(SAMPLE).toContain(original);
  expect(shapesInSchema(SAMPLE.replace(original, changed))).not.toEqual(shapesInSchema(SAMPLE));
});
