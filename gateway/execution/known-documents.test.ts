import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { buildSchema, Kind, type OperationDefinitionNode, parse } from 'graphql';
import { expect, test, vi } from 'vitest';
import { createKnownDocuments } from './known-documents.ts';
import { createCompiledOperations } from './operations.ts';

const CHARACTERS_MAX = 2_000;
const schema = buildSchema('type Query { a: Int }');

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function remember(
  known: ReturnType<typeof createKnownDocuments>,
  text: string,
  hash?: string,
): OperationDefinitionNode {
  const document = parse(text);
  known.remember({ text, hash, document });
  return document.definitions.find(({ kind }) => kind === Kind.OPERATION_DEFINITION) as OperationDefinitionNode;
}

test('An operation is found by its name, or without a name if it is the only one in its document', () => {
  const known = createKnownDocuments(CHARACTERS_MAX);
  const alone = remember(known, 'query A { a }');
  remember(known, 'query A { a } query B { a }');
  expect(known.find({ query: 'query A { a }' })?.operation).toBe(alone);
  expect(known.find({ query: 'query A { a }', operationName: 'A' })?.operation).toBe(alone);
  expect(known.find({ query: 'query A { a }', operationName: 'B' })).toBeUndefined();
  expect(known.find({ query: 'query A { a } query B { a }' })).toBeUndefined();
  expect(known.find({ query: 'query A { a } query B { a }', operationName: 'B' })).toBeDefined();
});

test.each<[string, unknown]>([
  ['has other fields', { query: '{ a }', other: 1 }],
  ['has variables of another form', { query: '{ a }', variables: [] }],
  ['has extensions of another form', { query: '{ a }', extensions: [] }],
  ['has an empty name', { query: '{ a }', operationName: '' }],
  ['has a text and a hash', { query: '{ a }', extensions: { persistedQuery: { version: 1, sha256Hash: 'h' } } }],
  ['has a hash of another version', { extensions: { persistedQuery: { version: 2, sha256Hash: 'h' } } }],
  ['has the hash as its text', { query: 'h' }],
  ['is a list', [{ query: '{ a }' }]],
  ['is missing', undefined],
])('Apollo Server handles a body that %s', (_how, body) => {
  const known = createKnownDocuments(CHARACTERS_MAX);
  remember(known, '{ a }');
  remember(known, '{ a }', 'h');
  expect(known.find({ query: '{ a }' })).toBeDefined();
  expect(known.find({ extensions: { persistedQuery: { version: 1, sha256Hash: 'h' } } })).toBeDefined();
  expect(known.find(body)).toBeUndefined();
});

test('The least recently used documents are removed together with their compiled operations', async () => {
  const known = createKnownDocuments(CHARACTERS_MAX);
  const compiled = createCompiledOperations();
  compiled.reset({ schema: schema, publicFields: new Set() });
  const add = (text: string) => {
    const operation = remember(known, text);
    compiled.add({
      queryPlan: { kind: 'QueryPlan' },
      requestContext: { document: parse(text) },
      operationContext: { operation, schema },
    } as unknown as Parameters<typeof compiled.add>[0]);
    const execute = compiled.get(operation);
    if (execute === undefined) throw new Error('The operation is not compiled.');
    return new WeakRef(execute);
  };
  const texts = Array.from({ length: 200 }, (_, index) => `{ alias${index}: a }`);
  const references = texts.map(add);
  const found = texts.filter((query) => known.find({ query }) !== undefined);
  expect(found.join('').length).toBeLessThanOrEqual(CHARACTERS_MAX);
  expect(found).toContain(texts.at(-1));
  await vi.waitFor(() => {
    collectGarbage();
    expect(references.filter((reference) => reference.deref() !== undefined).length).toBe(found.length);
  });
});

test('A new schema removes the operations that were compiled for the old one', () => {
  const compiled = createCompiledOperations();
  compiled.reset({ schema: schema, publicFields: new Set() });
  const document = parse('{ a }');
  const [operation] = document.definitions as [OperationDefinitionNode];
  const plan = {
    queryPlan: { kind: 'QueryPlan' },
    requestContext: { document },
    operationContext: { operation, schema },
  } as unknown as Parameters<typeof compiled.add>[0];
  compiled.add(plan);
  expect(compiled.get(operation)).toBeDefined();
  compiled.reset({ schema: buildSchema('type Query { b: Int }'), publicFields: new Set() });
  expect(compiled.get(operation)).toBeUndefined();
  // A late plan for the old schema is ignored.
  compiled.add(plan);
  expect(compiled.get(operation)).toBeUndefined();
});
