import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse, print, separateOperations } from 'graphql';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import * as documents from '#client/generated/graphql.ts';
import { root } from '#scripts/local/settings.ts';
import { answer } from '../../gateway/testing/stand-in.ts';
import { startTestGateway } from '../../gateway/testing/test-gateway.ts';

const LISTED = 'query Listed($id: ID!) { user(id: $id) { name id } }';
const UNLISTED = 'query Unlisted { me { id name } }';
const hashOf = (text: string) => createHash('sha256').update(text).digest('hex');

describe('S10: a gateway that accepts only the documents of a manifest', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ebs-documents-'));
  const manifest = join(folder, 'manifest.json');
  let gateway: Awaited<ReturnType<typeof startTestGateway>>;

  beforeAll(() => writeFileSync(manifest, JSON.stringify({ [`sha256:${hashOf(LISTED)}`]: LISTED })));
  afterAll(() => rmSync(folder, { recursive: true }));
  afterEach(() => gateway.stop());

  const start = async (TRUSTED_DOCUMENTS: string, path = manifest) => {
    const user = answer({ data: { user: { name: 'Ada', id: '1' }, me: { id: '1', name: 'Ada' } } });
    gateway = await startTestGateway({ user }, { TRUSTED_DOCUMENTS, TRUSTED_DOCUMENTS_PATH: path });
  };
  async function send(body: object) {
    const response = await fetch(`${gateway.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ variables: { id: '1' }, ...body }),
    });
    return { status: response.status, ...((await response.json()) as { data?: unknown; errors?: unknown[] }) };
  }
  const persisted = (text: string) => ({ extensions: { persistedQuery: { version: 1, sha256Hash: hashOf(text) } } });
  const refused = { status: 403, errors: [{ extensions: { code: 'FORBIDDEN' } }] };
  const notFound = { errors: [{ extensions: { code: 'PERSISTED_QUERY_NOT_FOUND' } }] };
  const received = () => gateway.standIns.user.received.length;

  it('answers a listed document by its hash or by its text, in any layout', async () => {
    await start('enforce');
    const spread = 'query Listed(\n  $id: ID!\n) {\n  user(id: $id) { # who\n    id, name\n  }\n}';
    for (const body of [
      persisted(LISTED),
      { query: LISTED },
      { query: spread },
      { query: LISTED, ...persisted(LISTED) },
    ]) {
      expect(await send(body)).toMatchObject({ status: 200, data: { user: { id: '1', name: 'Ada' } } });
    }
  });

  it('refuses every other document without a call to a subgraph', async () => {
    await start('enforce');
    const variants = [
      UNLISTED,
      LISTED.replace('name', 'email'),
      LISTED.replace('Listed', 'Other'),
      `${LISTED} query Second { me { id } }`,
      '{ __typename }',
    ];
    for (const query of variants) expect(await send({ query })).toMatchObject({ errors: [{}] });
    expect(await send({ query: UNLISTED })).toMatchObject(refused);
    // Invalid documents get the same error. Otherwise a client could guess the schema field by field.
    for (const query of ['{ me { passwordHash } }', '{ me {', 'query ($a: Unknown) { me { id } }']) {
      const { errors = [] } = await send({ query });
      expect(errors).not.toEqual([]);
      for (const error of errors) expect(error).toMatchObject({ extensions: { code: 'FORBIDDEN' } });
      expect(JSON.stringify(errors)).not.toMatch(/passwordHash|Unknown|Syntax/);
    }
    expect(received()).toBe(0);
    const metrics = await (await fetch(`${gateway.url}/metrics`)).text();
    expect(metrics).toMatch(/gateway_refusals_total\{[^}]*reason="untrusted_document"/);
  });

  it('does not let clients register a document', async () => {
    await start('enforce');
    expect(await send({ query: UNLISTED, ...persisted(UNLISTED) })).toMatchObject(refused);
    expect(await send(persisted(UNLISTED))).toMatchObject(notFound);
    expect(received()).toBe(0);
  });

  it('with TRUSTED_DOCUMENTS=log, answers unlisted documents and logs them without their text', async () => {
    await start('log');
    expect(await send({ query: UNLISTED, ...persisted(UNLISTED) })).toMatchObject({ data: { me: { id: '1' } } });
    expect(await send(persisted(UNLISTED))).toMatchObject({ data: { me: { id: '1' } } });
    expect(await send(persisted(LISTED))).toMatchObject({ data: { user: { id: '1' } } });
    const told = gateway.logs.filter(({ msg }) => msg === 'the document is not in the manifest');
    expect(told).toMatchObject([{ operationName: 'Unlisted' }, { operationName: 'Unlisted' }]);
    expect(JSON.stringify(told)).not.toContain('me {');
  });

  it('with TRUSTED_DOCUMENTS=off, answers any document and automatic persisted queries', async () => {
    await start('off', join(folder, 'missing.json'));
    expect(await send(persisted(UNLISTED))).toMatchObject(notFound);
    expect(await send({ query: UNLISTED, ...persisted(UNLISTED) })).toMatchObject({ data: { me: { id: '1' } } });
    expect(await send(persisted(UNLISTED))).toMatchObject({ data: { me: { id: '1' } } });
  });

  it('accepts the operations of the tour, the demo data and the typed client with the generated manifest', async () => {
    await start('enforce', '');
    const tour = separateOperations(parse(readFileSync(join(root, 'docs/tour.graphql'), 'utf8')));
    expect(Object.keys(tour)).toEqual([
      'SignUp',
      'CreateEvent',
      'ReadEvent',
      'UpdateEvent',
      'Book',
      'MyBookings',
      'Cancel',
    ]);
    const seed = [
      ...readFileSync(join(root, 'scripts/seed/gateway.ts'), 'utf8').matchAll(/`((?:query|mutation) [^`]+)`/g),
    ];
    expect(seed).toHaveLength(8);
    const client = Object.entries(documents).flatMap(([name, document]) =>
      name.endsWith('Document') ? [print(document)] : [],
    );
    expect(client.length).toBeGreaterThan(20);
    for (const query of [...Object.values(tour).map(print), ...seed.map(([, text]) => text), ...client]) {
      expect(await send({ query, variables: {} })).not.toMatchObject(refused);
    }
    expect(await send({ query: UNLISTED })).toMatchObject(refused);
  });

  it('docs/tour.graphql has the operations of docs/tour.md, word for word', async () => {
    await start('off');
    const inTour = [...readFileSync(join(root, 'docs/tour.md'), 'utf8').matchAll(/```graphql\n(.+?)```/gs)].map(
      ([, text]) => text,
    );
    const inFile = readFileSync(join(root, 'docs/tour.graphql'), 'utf8').replace(/^#.*\n\n/gm, '');
    expect(inFile).toBe(inTour.join('\n'));
  });
});
