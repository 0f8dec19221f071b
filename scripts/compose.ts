/**
 * npm run compose
 *
 * Composes subgraphs/<name>/schema.graphql into gateway/supergraph.graphql.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { composeServices } from '@apollo/composition';
import { type GraphQLSchema, parse } from 'graphql';
import { SUBGRAPH_LIST, SUBGRAPHS } from '#services';
import { runScript } from './local/run-script.ts';
import { LocalError, root } from './local/settings.ts';
import { tagPublicFields } from './public-fields.ts';

const SUPERGRAPH_FILE = join(root, 'gateway', 'supergraph.graphql');

/** Composes the subgraphs' schemas. @throws LocalError when they do not compose */
function compose() {
  const schemas = SUBGRAPHS.map((name) => ({
    name,
    typeDefs: parse(readFileSync(join(root, 'subgraphs', name, 'schema.graphql'), 'utf8')),
    url: `http://localhost:${SUBGRAPH_LIST[name].port}/graphql`,
  }));
  const result = composeServices(tagPublicFields(schemas));
  if (result.errors === undefined) return result;
  const messages = result.errors.map(({ message }) => `  - ${message}`);
  throw new LocalError(`The subgraphs do not compose:\n${messages.join('\n')}`);
}

/** Returns the schema that clients see. @throws LocalError when the subgraphs do not compose */
export const composePublicSchema = (): GraphQLSchema => compose().schema.toAPISchema().toGraphQLJSSchema();

/** Writes the supergraph, or only checks it. @throws LocalError when it is outdated or cannot be composed */
export function composeSupergraph({ checkOnly = false } = {}): void {
  const { supergraphSdl, hints } = compose();
  for (const hint of hints) if (hint.definition.level.name === 'WARN') console.warn(String(hint));
  const supergraph = `${supergraphSdl.trimEnd()}\n`;
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
