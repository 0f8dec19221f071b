import { type Attribute, type BlockAttribute, type Field, getSchema, type Value } from '@mrleebo/prisma-ast';
import type { Connection } from 'mariadb';

/** The parts of a table that Prisma and the database must agree on. Column lists are in index order, with commas. */
export interface TableShape {
  columns: Record<string, { type: string; nullable: boolean; hasDefault: boolean }>;
  primaryKey: string;
  uniqueIndexes: string[];
  indexes: string[];
}

/** The column types that Prisma uses when the schema does not specify one. */
const DEFAULT_TYPES: Readonly<Record<string, string>> = {
  Int: 'int',
  BigInt: 'bigint',
  Boolean: 'tinyint(1)',
  String: 'varchar(191)',
  DateTime: 'datetime(3)',
};
/** The database's names of types that Prisma names differently. */
const NATIVE_TYPES: Readonly<Record<string, string>> = { UnsignedMediumInt: 'mediumint unsigned' };
/** Default values that the Prisma client generates. The table has no default for them. */
const CLIENT_DEFAULTS = new Set(['uuid', 'cuid', 'ulid', 'nanoid', 'autoincrement']);

/** Returns the tables that a Prisma schema describes, by name. */
export function shapesInSchema(source: string): Record<string, TableShape> {
  const models = getSchema(source).list.filter((block) => block.type === 'model');
  return Object.fromEntries(
    models.map(({ name, properties }) => {
      const fields = properties.filter((property) => property.type === 'field');
      const blocks = properties.filter((property) => property.type === 'attribute');
      const columnOf = new Map(fields.map((field) => [field.name, text(argumentOf(field, 'map')) ?? field.name]));
      const columnsOf = (block: BlockAttribute) => {
        const list = block.args[0]?.value;
        const names = typeof list === 'object' && list !== null && 'args' in list ? list.args : [];
        return names.map((field) => columnOf.get(String(field))).join();
      };
      const indexesOf = (kind: string) => blocks.filter((block) => block.name === kind).map(columnsOf);
      const columnsWith = (attribute: string) =>
        fields.filter((field) => attributeOf(field, attribute)).map((field) => columnOf.get(field.name) ?? '');
      const table = blocks.find((block) => block.name === 'map')?.args[0]?.value;
      const shape: TableShape = {
        columns: Object.fromEntries(fields.map((field) => [columnOf.get(field.name), columnShape(field)])),
        primaryKey: [...columnsWith('id'), ...indexesOf('id')].join(),
        uniqueIndexes: [...columnsWith('unique'), ...indexesOf('unique')].sort(),
        indexes: indexesOf('index').sort(),
      };
      return [text(table) ?? name, shape];
    }),
  );
}

/** Returns the tables of a database, by name, without the migration table of Prisma. */
export async function shapesInDatabase(connection: Connection): Promise<Record<string, TableShape>> {
  const columns = await connection.query<
    { tab: string; col: string; type: string; nullable: string; def: string | null }[]
  >(
    `SELECT table_name AS tab, column_name AS col, column_type AS type, is_nullable AS nullable, column_default AS def
     FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name <> '_prisma_migrations'`,
  );
  const indexes = await connection.query<{ tab: string; name: string; plain: number; cols: string }[]>(
    `SELECT table_name AS tab, index_name AS name, MAX(non_unique) AS plain,
       GROUP_CONCAT(column_name ORDER BY seq_in_index) AS cols
     FROM information_schema.statistics WHERE table_schema = DATABASE() GROUP BY table_name, index_name`,
  );
  return Object.fromEntries(
    [...new Set(columns.map(({ tab }) => tab))].map((table) => {
      const own = indexes.filter(({ tab }) => tab === table);
      const secondary = own.filter(({ name }) => name !== 'PRIMARY');
      const shape: TableShape = {
        columns: Object.fromEntries(
          columns
            .filter(({ tab }) => tab === table)
            .map(({ col, type, nullable, def }) => [
              col,
              // MariaDB reports int(11) for int, mediumint(8) for mediumint, and NULL for a missing default.
              {
                type: type.replace(/(?<=int)\(\d\d\)|(?<=mediumint)\(8\)/, ''),
                nullable: nullable === 'YES',
                hasDefault: (def ?? 'NULL') !== 'NULL',
              },
            ]),
        ),
        primaryKey: own.find(({ name }) => name === 'PRIMARY')?.cols ?? '',
        uniqueIndexes: secondary
          .filter(({ plain }) => Number(plain) === 0)
          .map(({ cols }) => cols)
          .sort(),
        indexes: secondary
          .filter(({ plain }) => Number(plain) === 1)
          .map(({ cols }) => cols)
          .sort(),
      };
      return [table, shape];
    }),
  );
}

function columnShape(field: Field): TableShape['columns'][string] {
  const native = field.attributes?.find(({ group }) => group === 'db');
  const size = native?.args?.map(({ value }) => value).join();
  const type = native
    ? (NATIVE_TYPES[native.name] ?? native.name.toLowerCase()) + (size ? `(${size})` : '')
    : DEFAULT_TYPES[String(field.fieldType)];
  if (type === undefined) throw new Error(`DEFAULT_TYPES lacks the type of ${field.name}, ${String(field.fieldType)}`);
  const value = argumentOf(field, 'default');
  const isClients = typeof value === 'object' && value !== null && 'name' in value && CLIENT_DEFAULTS.has(value.name);
  return { type, nullable: field.optional === true, hasDefault: value !== undefined && !isClients };
}

const attributeOf = (field: Field, name: string): Attribute | undefined =>
  field.attributes?.find((attribute) => attribute.name === name && attribute.group === undefined);

function argumentOf(field: Field, attribute: string): Value | undefined {
  const value = attributeOf(field, attribute)?.args?.[0]?.value;
  return typeof value === 'object' && value !== null && 'key' in value ? value.value : value;
}

const text = (value: unknown) => (typeof value === 'string' ? value.replaceAll('"', '') : undefined);
