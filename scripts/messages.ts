/**
 * npm run messages
 *
 * Generates the documentation of all messages from their schemas and writes it between the two marks in
 * docs/messages.md.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { StreamDefinition } from '#platform/messaging/broker.ts';
import { envelope } from '#platform/messaging/message.ts';
import { PUBLISHERS, type SubgraphName } from '#services';
import { runScript } from './local/run-script.ts';
import { LocalError, root } from './local/settings.ts';

const FILE = 'docs/messages.md';
const BEGIN = '<!-- npm run messages: begin -->';
const END = '<!-- npm run messages: end -->';

interface Contract {
  readonly stream: StreamDefinition;
  readonly messages: Readonly<Record<string, z.ZodType>>;
}

async function importContract(name: SubgraphName): Promise<[SubgraphName, Contract]> {
  const exported: Record<string, unknown> = await import(`../subgraphs/${name}/messaging/contract.ts`);
  const tables = Object.entries(exported).filter(([key]) => key.endsWith('Messages'));
  const messages = Object.assign({}, ...tables.map(([, table]) => table));
  return [name, { stream: exported[`${name}Stream`] as StreamDefinition, messages }];
}

/** The message schemas of each publishing subgraph by message type, and the stream that they are published to. */
export const CONTRACTS: Readonly<Record<string, Contract>> = Object.fromEntries(
  await Promise.all(PUBLISHERS.map(importContract)),
);

type JsonSchema = z.core.JSONSchema.BaseSchema;
type Property = z.core.JSONSchema._JSONSchema;

/** Returns the JSON schema of a message as it is sent, before zod transforms it. */
const schemaOf = (schema: z.ZodType): JsonSchema => z.toJSONSchema(schema, { io: 'input' });

/** Returns the example of a message's data for the documentation. @throws LocalError for a schema without an example */
export function exampleOf(schema: z.ZodType): Record<string, unknown> {
  // The JSON schema of a schema with a transformation does not contain its examples.
  const [example] = (schema.meta()?.examples ?? []) as Record<string, unknown>[];
  if (example === undefined) throw new LocalError('Every message schema needs an example: .meta({ examples: [...] })');
  return example;
}

function describeAll(): string {
  const sections = Object.entries(CONTRACTS).flatMap(([publisher, { stream, messages }]) =>
    Object.entries(messages).flatMap(([type, schema]) => {
      const { description = '', ...fields } = schemaOf(schema);
      const version = type.split('.').at(-1);
      return [
        `### ${type}`,
        description,
        `Published by the ${publisher} subgraph on the subject \`${type}\` of the stream ${stream.name}; version ${version}.`,
        fieldTable(fields),
        `\`\`\`json\n${JSON.stringify(exampleOf(schema), null, 2)}\n\`\`\``,
      ];
    }),
  );
  return [`## The envelope\n\n${fieldTable(schemaOf(envelope))}`, '## The messages', ...sections].join('\n\n');
}

function fieldTable({ properties = {}, required = [] }: JsonSchema): string {
  const rows = Object.entries(properties).map(([name, property]) => {
    const { description = '' } = typeof property === 'boolean' ? {} : property;
    return [`\`${name}\``, `${typeText(property)}${required.includes(name) ? '' : ', optional'}`, description];
  });
  return table([['field', 'type', ''], ...rows]);
}

/** Returns a Markdown table with aligned columns, in the style of the formatter. The first row is the header. */
function table([head = [], ...rows]: readonly string[][]): string {
  const widths = head.map((_, column) => Math.max(3, ...[head, ...rows].map((row) => row[column]?.length ?? 0)));
  const lines = [head, widths.map((width) => '-'.repeat(width)), ...rows];
  return lines
    .map((row) => `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`)
    .join('\n');
}

/** Returns the type of a field in a few words. @throws LocalError for a type that this function does not support yet */
function typeText(property: Property): string {
  if (typeof property === 'boolean') return 'any';
  const { type, format, enum: values, const: only, anyOf, exclusiveMinimum } = property;
  if (anyOf !== undefined) return anyOf.map(typeText).join(' or ');
  if (Array.isArray(type)) return type.join(' or ');
  if (only !== undefined) return `"${only}"`;
  if (values !== undefined) return values.map((value) => `"${value}"`).join(', ');
  if (format === 'uuid') return 'UUID';
  if (format === 'date-time') return 'time, ISO 8601 in UTC';
  if (type === 'integer') return exclusiveMinimum === 0 ? 'whole number, 1 or more' : 'whole number';
  if (type === 'string' || type === 'null') return type;
  if (type === undefined) return 'any';
  throw new LocalError(`typeText in scripts/messages.ts does not support the type ${JSON.stringify(property)} yet.`);
}

/** Updates docs/messages.md, or only checks it. @throws LocalError when it is outdated or lacks the marks */
export function documentMessages({ checkOnly = false } = {}): void {
  const path = join(root, FILE);
  const present = readFileSync(path, 'utf8');
  const [begin, end] = [present.indexOf(BEGIN), present.indexOf(END)];
  if (begin < 0 || end < begin) throw new LocalError(`${FILE} lacks the marks ${BEGIN} and ${END}.`);
  const wanted = `${present.slice(0, begin)}${BEGIN}\n\n${describeAll()}\n\n${present.slice(end)}`;
  if (wanted === present) return;
  if (checkOnly) throw new LocalError(`${FILE} does not match the message schemas. Run: npm run messages`);
  writeFileSync(path, wanted);
}

if (import.meta.main) {
  await runScript(() => {
    documentMessages();
    console.log(`${FILE} is up to date.`);
  });
}
