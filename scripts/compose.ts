/**
 * npm run compose [-- --check]
 *
 * Composes subgraphs/<name>/schema.graphql into gateway/supergraph.graphql. With --check, it only checks whether that
 * file is up to date.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { composeServices } from '@apollo/composition';
import { parse } from 'graphql';
import { SUBGRAPH_LIST, SUBGRAPHS } from '#services';
import { runScript } from './local/run-script.ts';
import { LocalError, root } from './local/settings.ts';
import { tagPublicFields } from './public-fields.ts';

const SUPERGRAPH_FILE = join(root, 'gateway', 'supergraph.graphql');

/** Returns the supergraph and the warnings. @throws LocalError with all errors when the composition fails */
function compose(): { supergraph: string; warnings: string[] } {
  const schemas = SUBGRAPHS.map((name) => ({
    name,
    typeDefs: parse(readFileSync(join(root, 'subgraphs', name, 'schema.graphql'), 'utf8')),
    url: `http://localhost:${SUBGRAPH_LIST[name].port}/graphql`,
  }));
  const { errors, supergraphSdl, hints } = composeServices(tagPublicFields(schemas));
  if (errors !== undefined) {
    throw new LocalError(`The subgraphs do not compose:\n${errors.map(({ message }) => `  - ${message}`).join('\n')}`);
  }
  const warnings = hints.filter(({ definition }) => definition.level.name === 'WARN');
  return { supergraph: `${supergraphSdl.trimEnd()}\n`, warnings: warnings.map(String) };
}

/** Writes the supergraph, or only checks it. @throws LocalError when it is outdated or cannot be composed */
export function composeSupergraph({ checkOnly }: { checkOnly: boolean }): void {
  const { supergraph, warnings } = compose();
  for (const warning of warnings) console.warn(warning);
  const present = existsSync(SUPERGRAPH_FILE) ? readFileSync(SUPERGRAPH_FILE, 'utf8') : undefined;
  if (present === supergraph) return;
  if (checkOnly) {
    throw new LocalError('gateway/supergraph.graphql is outdated. Run: npm run compose');
  }
  writeFileSync(SUPERGRAPH_FILE, supergraph);
}

async function main(): Promise<void> {
  composeSupergraph({ checkOnly: process.argv.includes('--check') });
  console.log('gateway/supergraph.graphql is up to date.');
}

if (import.meta.main) await runScript(main);
