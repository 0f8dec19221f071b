/**
 * npm run schema [-- --release]
 *
 * Lists the changes of the public schema since the last release, and fails when one of them can break a client.
 * `--release` stores the present schema as the schema of the version in package.json.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Change, CriticalityLevel, DiffRule, diff } from '@graphql-inspector/core';
import { buildSchema, type GraphQLSchema, lexicographicSortSchema, printSchema } from 'graphql';
import { compose } from './compose.ts';
import { runScript } from './local/run-script.ts';
import { LocalError, root } from './local/settings.ts';

const RELEASED = 'docs/schema/released.graphql';
const RELEASED_FILE = join(root, RELEASED);

const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
const heading = `# The public schema of version ${version}. A release writes it: npm run schema -- --release\n\n`;

/** Returns the changes between two schemas without those of descriptions, breaking ones first. A deprecated field or enum value may be removed. */
export async function changesOf(released: GraphQLSchema, present: GraphQLSchema): Promise<Change[]> {
  const changes = await diff(released, present, [
    DiffRule.suppressRemovalOfDeprecatedField,
    DiffRule.ignoreDescriptionChanges,
  ]);
  return changes.toSorted((one, other) => Number(isBreaking(other)) - Number(isBreaking(one)));
}

export const isBreaking = ({ criticality }: Change): boolean => criticality.level === CriticalityLevel.Breaking;

const listOf = (changes: readonly Change[]): string =>
  changes.map(({ criticality, message }) => `  - ${criticality.level}: ${message}`).join('\n');

const readReleased = (): string => (existsSync(RELEASED_FILE) ? readFileSync(RELEASED_FILE, 'utf8') : '');

/** @throws LocalError when a client of the last release can break, or when the last release has another version */
export async function checkSchema(): Promise<Change[]> {
  const released = readReleased();
  if (!released.startsWith(heading)) {
    throw new LocalError(`${RELEASED} is not of version ${version}. For a release, run: npm run schema -- --release`);
  }
  const changes = await changesOf(buildSchema(released), compose().apiSchema);
  const breaking = changes.filter(isBreaking);
  if (breaking.length === 0) return changes;
  throw new LocalError(
    `These changes break clients of version ${version}:\n${listOf(breaking)}\n` +
      'Keep the old field beside the new one and mark it with @deprecated(reason: "Use ... instead."). It can be removed\n' +
      'after the next release. See CONTRIBUTING.md.',
  );
}

/** Stores the present schema as the one of the version in package.json. @throws LocalError for a breaking change of it */
async function release(): Promise<void> {
  if (readReleased().startsWith(heading)) await checkSchema();
  mkdirSync(dirname(RELEASED_FILE), { recursive: true });
  writeFileSync(RELEASED_FILE, `${heading}${printSchema(lexicographicSortSchema(compose().apiSchema))}\n`);
}

async function main(): Promise<void> {
  const [option, ...rest] = process.argv.slice(2);
  if (option === '--release' && rest.length === 0) {
    await release();
    console.log(`${RELEASED} has the schema of version ${version}.`);
  } else if (option === undefined) {
    const changes = await checkSchema();
    console.log(changes.length === 0 ? `Nothing has changed since version ${version}.` : listOf(changes));
  } else throw new LocalError('Usage: npm run schema [-- --release]');
}

if (import.meta.main) await runScript(main);
