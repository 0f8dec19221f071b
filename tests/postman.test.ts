import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildSchema, Kind, parse, printSchema, validate } from 'graphql';
import { expect, test } from 'vitest';
import { root } from '#scripts/local/settings.ts';
import { compose } from '../scripts/compose.ts';
import { DEMO_ADMIN, DEMO_PASSWORD } from '../scripts/seed/catalogue.ts';

interface Item {
  name: string;
  item?: Item[];
  request?: { body: { graphql: { query: string } } };
}
const read = (file: string) => JSON.parse(readFileSync(join(root, 'postman', file), 'utf8'));
const requestsOf = ({ item = [], request, name }: Item): { name: string; query: string }[] => [
  ...(request === undefined ? [] : [{ name, query: request.body.graphql.query }]),
  ...item.flatMap(requestsOf),
];

const schema = buildSchema(printSchema(compose().apiSchema));
const requests = requestsOf(read('collection.json'));

test.each(requests)('The request $name is valid', ({ query }) => {
  expect(validate(schema, parse(query))).toEqual([]);
});

test('The collection has every query and mutation of the graph', () => {
  const used = requests.flatMap(({ query }) =>
    parse(query).definitions.flatMap((node) =>
      node.kind === Kind.OPERATION_DEFINITION
        ? node.selectionSet.selections.flatMap((field) => (field.kind === Kind.FIELD ? [field.name.value] : []))
        : [],
    ),
  );
  const fields = [schema.getQueryType(), schema.getMutationType()].flatMap((type) =>
    Object.keys(type?.getFields() ?? {}),
  );
  expect(fields.length).toBeGreaterThan(20);
  expect(fields.filter((field) => !used.includes(field))).toEqual([]);
});

test('The environment has the admin account of npm run seed', () => {
  const { values } = read('environment.json') as { values: { key: string; value: string }[] };
  expect(Object.fromEntries(values.map(({ key, value }) => [key, value]))).toMatchObject({
    adminEmail: DEMO_ADMIN.email,
    adminPassword: DEMO_PASSWORD,
  });
});
