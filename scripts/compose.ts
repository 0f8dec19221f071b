/**
 * npm run compose
 *
 * Composes subgraphs/<name>/schema.graphql and gateway/live/schema.graphql into gateway/supergraph.graphql.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { composeServices } from '@apollo/composition';
import { type GraphQLSchema, parse } from 'graphql';
import { GATEWAY_PORT, SUBGRAPH_LIST, SUBGRAPHS } from '#services';
import { runScript } from './local/run-script.ts';
import { LocalError, root } from './local/settings.ts';
import { tagPublicFields } from './public-fields.ts';

const SUPERGRAPH_FILE = join(root, 'gateway', 'supergraph.graphql');

/** The subgraph of the type Subscription. It is a part of the gateway, so no other process serves it. */
const LIVE = {
  name: 'live',
  typeDefs: parse(readFileSync(join(root, 'gateway/live/schema.graphql'), 'utf8')),
  url: `http://localhost:${GATEWAY_PORT}/graphql`,
};

/** Composes the subgraphs. Returns the supergraph, and the schema that clients see. @throws LocalError if they do not compose */
export function compose(): { supergraph: string; apiSchema: GraphQLSchema } {
  const schemas = SUBGRAPHS.map((name) => ({
    name,
    typeDefs: parse(readFileSync(join(root, 'subgraphs', name, 'schema.graphql'), 'utf8')),
    url: `http://localhost:${SUBGRAPH_LIST[name].port}/graphql`,
  }));
  const { errors, schema, supergraphSdl, hints } = composeServices([...tagPublicFields(schemas), LIVE]);
  if (errors !== undefined) {
    throw new LocalError(`The subgraphs do not compose:\n${errors.map(({ message }) => `  - ${message}`).join('\n')}`);
  }
  for (const hint of hints) if (hint.definition.level.name === 'WARN') console.warn(String(hint));
  return { supergraph: `${supergraphSdl.trimEnd()}\n`, apiSchema: schema.toAPISchema().toGraphQLJSSchema() };
}

/** Writes the supergraph, or only checks it. @throws LocalError when it is outdated or cannot be composed */
export function composeSupergraph({ checkOnly = false } = {}): void {
  const { supergraph } = compose();
  const present = existsSync(SUPERGRAPH_FILE) && readFileSync(SUPERGRAPH_FILE, 'utf8');
  if (present === supergraph) return;
  if (checkOnly) throw new LocalError('gateway/supergraph.graphql is outdated. Run: npm run compose');
  writeFileSync(SUPERGRAPH_FILE, supergraph);
}

if (import.meta.main) {
  await runScript(() => {
    composeSupergraph();
    console.log('gateway/supergraph.graphql is up to date.');
  });
}
