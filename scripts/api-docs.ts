/**
 * npm run api-docs
 *
 * Writes docs/api.md: every query, mutation and type of the graph with its description, and the examples of
 * docs/api-examples.graphql.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputField,
  type GraphQLNamedType,
  type GraphQLSchema,
  type GraphQLType,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isObjectType,
  isSpecifiedScalarType,
  isUnionType,
  Kind,
  type OperationDefinitionNode,
  parse,
  print,
} from 'graphql';
import { compose } from './compose.ts';
import { runScript } from './local/run-script.ts';
import { LocalError, root } from './local/settings.ts';

const FILE = 'docs/api.md';
const EXAMPLES_FILE = 'docs/api-examples.graphql';

/** An example of a field at the root. In the variables, `<name>` stands for a value of an earlier answer. */
export interface Example {
  readonly field: string;
  readonly query: string;
  readonly variables: string | undefined;
  readonly isForAdmin: boolean;
}

/** Reads the examples in their order. @throws LocalError when one does not have exactly one field at the root */
export const readExamples = (): Example[] =>
  parse(readFileSync(join(root, EXAMPLES_FILE), 'utf8')).definitions.map((definition) => {
    const [field, ...others] = (definition as OperationDefinitionNode).selectionSet.selections;
    if (field?.kind !== Kind.FIELD || others.length > 0) {
      throw new LocalError(
        `${EXAMPLES_FILE}: each operation needs exactly one field at the root: ${print(definition)}`,
      );
    }
    const before = definition.loc?.startToken.prev;
    const comment = before?.kind === 'Comment' ? before.value : '';
    const [variables] = /\{.*/.exec(comment) ?? [];
    return { field: field.name.value, query: print(definition), variables, isForAdmin: /As admin/.test(comment) };
  });

/** Returns the page about a schema. @throws LocalError when a field at the root has no example */
export function describeSchema(schema: GraphQLSchema, examples: readonly Example[]): string {
  const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()].filter(
    (type) => !!type,
  );
  const types = Object.values(schema.getTypeMap())
    .filter((type) => !roots.some(({ name }) => name === type.name) && !isBuiltIn(type))
    .sort((one, other) => one.name.localeCompare(other.name));
  return [
    '# The graph',
    INTRODUCTION,
    ...roots.flatMap((type) => [
      `## ${type.name}`,
      ...Object.values(type.getFields()).flatMap((field) => rootField(type.name, field, examples)),
    ]),
    '## Types',
    ...types.flatMap((type) => [`### ${type.name}`, ...paragraph(type.description), ...bodyOf(type, schema)]),
  ]
    .join('\n\n')
    .concat('\n');
}

const INTRODUCTION = `\`npm run api-docs\` writes this page from the schemas of the subgraphs and from [${EXAMPLES_FILE}](api-examples.graphql). A test
executes the examples. In their variables, \`<eventId>\` stands for the id of your event. [The tour](tour.md) shows how the operations
belong together, and [the typed client](../clients/typescript/README.md) sends them from TypeScript.`;

function rootField(parent: string, field: GraphQLField<unknown, unknown>, examples: readonly Example[]): string[] {
  const example = examples.find((one) => one.field === field.name);
  if (example === undefined) throw new LocalError(`${EXAMPLES_FILE} lacks an example of ${parent}.${field.name}.`);
  return [
    `### ${parent}.${field.name}`,
    ...paragraph(field.description),
    ...list(field.args.map(describeInput)),
    `Returns ${linkTo(field.type)}.`,
    `\`\`\`graphql\n${example.query}\n\`\`\``,
    ...(example.variables ? [`\`\`\`json\n${formatJson(example.variables)}\n\`\`\``] : []),
  ];
}

/** Formats JSON as Biome does: a list of texts is on one line. */
const formatJson = (json: string): string =>
  JSON.stringify(JSON.parse(json), null, 2).replaceAll(
    /\[\n\s+("[^[\]{}]*")\n\s+\]/g,
    (_list, items: string) => `[${items.replaceAll(/\n\s+/g, ' ')}]`,
  );

function bodyOf(type: GraphQLNamedType, schema: GraphQLSchema): string[] {
  if (isObjectType(type) || isInterfaceType(type)) {
    const implemented = type.getInterfaces().map(linkTo);
    return [
      ...(implemented.length > 0 ? [`Implements ${implemented.join(', ')}.`] : []),
      ...list(Object.values(type.getFields()).map(describeField)),
      ...(isInterfaceType(type) ? [`Implemented by ${schema.getPossibleTypes(type).map(linkTo).join(', ')}.`] : []),
    ];
  }
  if (isInputObjectType(type)) return list(Object.values(type.getFields()).map(describeInput));
  if (isUnionType(type)) return [`One of ${type.getTypes().map(linkTo).join(', ')}.`];
  if (isEnumType(type)) return list(type.getValues().map(({ name, description }) => line(`\`${name}\``, description)));
  return [];
}

function describeField({ name, args, type, description, deprecationReason }: GraphQLField<unknown, unknown>): string {
  const inputs = args.map((arg) => `${arg.name}: ${arg.type}${defaultOf(arg)}`).join(', ');
  const text = [description, deprecationReason && `Deprecated: ${deprecationReason}`].filter(Boolean).join(' ');
  return line(`\`${name}${inputs && `(${inputs})`}\` (${linkTo(type)})`, text);
}

const describeInput = (input: GraphQLArgument | GraphQLInputField): string =>
  line(`\`${input.name}\` (${linkTo(input.type)}${defaultOf(input)})`, input.description);

const defaultOf = ({ defaultValue }: GraphQLArgument | GraphQLInputField): string =>
  defaultValue === undefined ? '' : ` = ${JSON.stringify(defaultValue)}`;

const list = (lines: readonly string[]): string[] => (lines.length > 0 ? [lines.join('\n')] : []);
const line = (subject: string, description: string | null | undefined): string =>
  [`- ${subject}`, ...paragraph(description)].join(': ');
/** Returns a description in one line. Markdown takes <name> for HTML. */
const paragraph = (text: string | null | undefined): string[] =>
  text ? [text.replaceAll(/\s+/g, ' ').trim().replaceAll('<', '\\<')] : [];

function linkTo(type: GraphQLType): string {
  const { name } = getNamedType(type);
  return isBuiltIn(getNamedType(type)) ? String(type) : String(type).replace(name, `[${name}](#${name.toLowerCase()})`);
}

const isBuiltIn = (type: GraphQLNamedType): boolean => isSpecifiedScalarType(type) || isIntrospectionType(type);

/** Updates docs/api.md, or only checks it. @throws LocalError when it is outdated */
export function documentApi({ checkOnly = false } = {}): void {
  const path = join(root, FILE);
  const wanted = describeSchema(compose().apiSchema, readExamples());
  if (existsSync(path) && readFileSync(path, 'utf8') === wanted) return;
  if (checkOnly) throw new LocalError(`${FILE} does not match the schemas and examples. Run: npm run api-docs`);
  writeFileSync(path, wanted);
}

if (import.meta.main) {
  await runScript(() => {
    documentApi();
    console.log(`${FILE} is up to date.`);
  });
}
