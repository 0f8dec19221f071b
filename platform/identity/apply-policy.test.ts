import { buildSubgraphSchema } from '@apollo/subgraph';
import { graphql, parse } from 'graphql';
import { describe, expect, it, vi } from 'vitest';
import { applyPolicy } from './apply-policy.ts';
import { adminsOnly, edgeOf, everyone, type Policy, signedIn, visibleToEveryone } from './authorization.ts';
import type { Caller } from './identity.ts';

const SDL = `
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])
  type Query {
    note(id: ID!): Note
    secret(id: ID!): Note
    notes: [Note]!
    later: [Note!]!
    list: Notes!
    users: [String!]!
  }
  type Mutation { write: Written! }
  type Note @key(fields: "id") { id: ID! text: String! rating(of: Int): Int owner: Owner }
  type Notes { edges: [NoteEdge!]! nodes: [Note!]! }
  type NoteEdge { cursor: String! node: Note! }
  type Owner { id: ID! }
  type WriteRefusal { code: String! }
  type WritePayload { note: Note! }
  union Written = WritePayload | WriteRefusal
`;

interface Context {
  caller: Caller | null;
}
interface Note {
  id: string;
  ownerId: string;
}

const ada: Caller = { userId: 'ada', role: 'USER' };
const bob: Caller = { userId: 'bob', role: 'USER' };
const admin: Caller = { userId: 'root', role: 'ADMIN' };

const isOwner = ({ ownerId }: Note, { caller }: Context) => caller?.userId === ownerId;
const isOwnerLater = async (note: Note, context: Context) => isOwner(note, context);
const noteFields = { id: everyone, text: everyone, owner: everyone, rating: everyone };

const policy: Policy<Context> = {
  Query: { note: everyone, secret: everyone, notes: signedIn, later: everyone, list: everyone, users: adminsOnly },
  Mutation: { write: everyone },
  types: {
    Note: { visibleTo: isOwner, fields: noteFields },
    Notes: visibleToEveryone,
    NoteEdge: edgeOf(isOwner),
    Owner: visibleToEveryone,
    WritePayload: visibleToEveryone,
    WriteRefusal: visibleToEveryone,
  },
};

const note = (id: string, ownerId: string) => ({
  id,
  ownerId,
  text: `text of ${id}`,
  rating: 5,
  owner: { id: ownerId },
});
const NOTES = [note('n1', 'ada'), note('n2', 'bob'), note('n3', 'ada')];
const byId = (id: string) => NOTES.find((one) => one.id === id) ?? null;
const resolvers = {
  Query: {
    note: (_: unknown, { id }: { id: string }) => byId(id),
    secret: async (_: unknown, { id }: { id: string }) => byId(id),
    notes: () => [null, ...NOTES],
    later: async () => NOTES,
    list: () => ({ edges: NOTES.map((node) => ({ cursor: node.id, node })), nodes: NOTES }),
    users: () => ['ada', 'bob'],
  },
  Mutation: { write: () => ({ __typename: 'WritePayload', note: byId('n1') }) },
  Note: { __resolveReference: ({ id }: { id: string }) => ({ ...byId(id) }) },
};

/** The schema with the test's policy, which `change` can modify. */
function guarded(change: (standard: Policy<Context>) => Policy<Context> = (standard) => standard) {
  const schema = buildSubgraphSchema([{ typeDefs: parse(SDL), resolvers: resolvers as never }]);
  applyPolicy(schema, change(policy));
  return schema;
}

const changeNote = (note: Partial<Policy<Context>['types'][string]>) => (standard: Policy<Context>) => ({
  ...standard,
  types: { ...standard.types, Note: { visibleTo: isOwner, fields: noteFields, ...note } },
});

async function ask(caller: Caller | null, source: string, schema = guarded()) {
  const { data, errors } = await graphql({ schema, source, contextValue: { caller } });
  return { data: JSON.parse(JSON.stringify(data ?? null)), codes: errors?.map(({ extensions }) => extensions.code) };
}

describe.each([
  ['synchronously', isOwner],
  ['asynchronously', isOwnerLater],
])('an object whose visibility is decided %s and that the caller may not see', (_when, visibleTo) => {
  const schema = guarded((standard) => ({
    ...standard,
    types: { ...standard.types, Note: { visibleTo, fields: noteFields }, NoteEdge: edgeOf(visibleTo) },
  }));

  it.each([
    ['is null at a root field', '{ note(id: "n1") { text } }', { note: { text: 'text of n1' } }, { note: null }],
    ['is null after a promise', '{ secret(id: "n1") { id } }', { secret: { id: 'n1' } }, { secret: null }],
    [
      'is left out of a list, in which null values stay',
      '{ notes { id } }',
      { notes: [null, { id: 'n1' }, { id: 'n3' }] },
      { notes: [null, { id: 'n2' }] },
    ],
    [
      'is left out of a promised list',
      '{ later { id } }',
      { later: [{ id: 'n1' }, { id: 'n3' }] },
      { later: [{ id: 'n2' }] },
    ],
    [
      'is left out of a connection, together with its edge',
      '{ list { edges { cursor node { id } } nodes { id } } }',
      {
        list: {
          edges: [
            { cursor: 'n1', node: { id: 'n1' } },
            { cursor: 'n3', node: { id: 'n3' } },
          ],
          nodes: [{ id: 'n1' }, { id: 'n3' }],
        },
      },
      { list: { edges: [{ cursor: 'n2', node: { id: 'n2' } }], nodes: [{ id: 'n2' }] } },
    ],
    [
      'is null by reference',
      '{ _entities(representations: [{ __typename: "Note", id: "n1" }]) { ... on Note { text } } }',
      { _entities: [{ text: 'text of n1' }] },
      { _entities: [null] },
    ],
  ])('%s', async (_how, query, toAda, toBob) => {
    expect(await ask(ada, query, schema)).toEqual({ data: toAda, codes: undefined });
    expect(await ask(bob, query, schema)).toEqual({ data: toBob, codes: undefined });
  });

  it('is an error in a field that must not be null, such as the result of a mutation', async () => {
    const query = 'mutation { write { ... on WritePayload { note { id } } } }';
    expect(await ask(ada, query, schema)).toEqual({ data: { write: { note: { id: 'n1' } } }, codes: undefined });
    expect(await ask(bob, query, schema)).toEqual({ data: null, codes: [undefined] });
  });
});

describe('a field', () => {
  it.each([
    ['synchronous', ({ ownerId }: Note, { caller }: Context) => caller?.userId === ownerId],
    ['asynchronous', async ({ ownerId }: Note, { caller }: Context) => caller?.userId === ownerId],
  ])('that a %s rule hides is null, and the other fields are present', async (_when, rating) => {
    const schema = guarded(changeNote({ visibleTo: everyone, fields: { ...noteFields, rating } }));
    expect((await ask(ada, '{ note(id: "n1") { id rating } }', schema)).data.note).toEqual({ id: 'n1', rating: 5 });
    expect((await ask(bob, '{ note(id: "n1") { id rating } }', schema)).data.note).toEqual({ id: 'n1', rating: null });
  });

  it('is not resolved when it is hidden', async () => {
    const schema = guarded((standard) => ({
      ...standard,
      Query: { ...standard.Query, secret: (_root: unknown, _context, { id }: { id: string }) => id !== 'n1' },
    }));
    const read = vi.spyOn(NOTES, 'find');
    const { data } = await ask(ada, '{ secret(id: "n1") { id } other: secret(id: "n3") { id } }', schema);
    expect(data).toEqual({ secret: null, other: { id: 'n3' } });
    expect(read).toHaveBeenCalledOnce();
    read.mockRestore();
  });

  it('that everyone may see keeps its own resolver', () => {
    const fields = guarded().getQueryType()?.getFields();
    expect(fields?.list?.resolve).toBe(resolvers.Query.list);
    expect(fields?.note?.resolve).not.toBe(resolvers.Query.note);
  });
});

describe('a root field', () => {
  it('for signed-in users refuses other callers with UNAUTHENTICATED', async () => {
    expect((await ask(null, '{ notes { id } }')).codes).toEqual(['UNAUTHENTICATED']);
    expect((await ask(bob, '{ notes { id } }')).codes).toBeUndefined();
  });

  it('for admins refuses other callers with UNAUTHENTICATED or FORBIDDEN', async () => {
    expect((await ask(null, '{ users }')).codes).toEqual(['UNAUTHENTICATED']);
    expect((await ask(bob, '{ users }')).codes).toEqual(['FORBIDDEN']);
    expect(await ask(admin, '{ users }')).toEqual({ data: { users: ['ada', 'bob'] }, codes: undefined });
  });
});

describe('a policy', () => {
  const without = <Value>(record: Readonly<Record<string, Value>>, name: string) =>
    Object.fromEntries(Object.entries(record).filter(([key]) => key !== name));

  it('is accepted when it fits the schema', () => expect(guarded).not.toThrow());

  it('is accepted without mutations only when the schema has none', () => {
    const withoutMutations = SDL.replace(/^.*(Mutation|Written|Write).*$/gm, '');
    const schema = buildSubgraphSchema([{ typeDefs: parse(withoutMutations) }]);
    const { Mutation, types, ...rest } = policy;
    const { WritePayload, WriteRefusal, ...others } = types;
    expect(() => applyPolicy(schema, { ...rest, types: others })).not.toThrow();
    expect(() => applyPolicy(schema, { ...policy, types: others })).toThrow('names Mutation, which does not exist');
  });

  it('is refused without mutations when the schema has some', () => {
    const { Mutation, ...rest } = policy;
    expect(() => guarded(() => rest)).toThrow('The policy does not name Mutation.');
  });

  it.each<[why: string, change: (standard: Policy<Context>) => Policy<Context>, message: string]>([
    ['a type is not named', (p) => ({ ...p, types: without(p.types, 'Owner') }), 'does not name Owner'],
    [
      'a type does not exist',
      (p) => ({ ...p, types: { ...p.types, Ghost: visibleToEveryone } }),
      'names Ghost, which does not exist',
    ],
    ['a root field is not named', (p) => ({ ...p, Query: without(p.Query, 'note') }), 'does not name Query.note'],
    [
      'a mutation does not exist',
      (p) => ({ ...p, Mutation: { ...p.Mutation, burn: everyone } }),
      'names Mutation.burn, which does not exist',
    ],
    ['a field is not named', changeNote({ fields: without(noteFields, 'rating') }), 'does not name Note.rating'],
    [
      'a field does not exist',
      changeNote({ fields: { ...noteFields, ghost: everyone } }),
      'names Note.ghost, which does not exist',
    ],
    [
      'it could hide a field that must not be null',
      changeNote({ fields: { ...noteFields, text: () => false } }),
      'could hide Note.text, which must not be null',
    ],
    [
      'it could hide a member of a union',
      (p) => ({ ...p, types: { ...p.types, WritePayload: { visibleTo: () => false, fields: everyone } } }),
      'could hide WritePayload, which is a member of Written',
    ],
  ])('is refused when %s', (_why, change, message) => {
    expect(() => guarded(change)).toThrow(`The policy ${message}.`);
  });

  it('is refused with all problems at once', () => {
    expect(() => guarded((p) => ({ ...p, Query: without(p.Query, 'note'), types: without(p.types, 'Owner') }))).toThrow(
      'The policy does not name Owner, does not name Query.note.',
    );
  });
});
