import { buildSchema } from 'graphql';
import { describe, expect, it } from 'vitest';
import { describeSchema, type Example, readExamples } from './api-docs.ts';
import { compose } from './compose.ts';

describe('npm run api-docs', () => {
  it('has exactly one example for each query, mutation and subscription', () => {
    const { apiSchema } = compose();
    const roots = [apiSchema.getQueryType(), apiSchema.getMutationType(), apiSchema.getSubscriptionType()];
    const fields = roots.flatMap((type) => Object.keys(type?.getFields() ?? {}));
    const examples = readExamples().map(({ field }) => field);
    expect(examples.toSorted()).toEqual(fields.toSorted());
  });

  const SCHEMA = buildSchema(`
    type Query {
      "One thing. Send Bearer <token>."
      thing("Its id." id: ID!, first: Int = 20): Thing
    }
    interface Named { name: String! }
    "A thing."
    type Thing implements Named {
      name: String!
      "Old."
      label(first: Int = 5): String @deprecated(reason: "Use name.")
      color: [Color!]
    }
    enum Color {
      "Like blood."
      RED
    }
  `);
  const EXAMPLE: Example = { field: 'thing', query: '{ thing }', variables: '{"id":"<thingId>"}', isForAdmin: false };

  it('describes fields, arguments and types, and links to types', () => {
    const page = describeSchema(SCHEMA, [EXAMPLE]);
    for (const part of [
      '### Query.thing\n\nOne thing. Send Bearer \\<token>.\n\n- `id` (ID!): Its id.\n- `first` (Int = 20)\n\nReturns [Thing](#thing).',
      '```graphql\n{ thing }\n```\n\n```json\n{\n  "id": "<thingId>"\n}\n```',
      '### Thing\n\nA thing.\n\nImplements [Named](#named).\n\n- `name` (String!)',
      '- `label(first: Int = 5)` (String): Old. Deprecated: Use name.\n- `color` ([[Color](#color)!])',
      '### Color\n\n- `RED`: Like blood.',
      'Implemented by [Thing](#thing).',
    ]) {
      expect(page).toContain(part);
    }
  });

  it('refuses a query without an example', () => {
    expect(() => describeSchema(SCHEMA, [])).toThrow('lacks an example of Query.thing');
  });
});
