/** The rules of docs/decisions/0002-module-boundaries-checked-by-dependency-cruiser.md, for `npm run check`. */

const SUBGRAPH = '^subgraphs/([^/]+)/';
const TEST = '\\.(test|int\\.test|e2e\\.test)\\.ts$|/testing\\.ts$|^platform/testing/';

/** The subfolders of each folder, lowest first. A subfolder may import only from lower ones. */
const PLATFORM_FOLDERS = [
  'connections',
  'errors',
  'process',
  'identity',
  'clients',
  'database',
  'redis',
  'http',
  'graphql',
  'messaging',
  'outbox',
];
const GATEWAY_FOLDERS = ['limits', 'execution', 'supergraph', 'live', 'http'];
const LOCAL_FOLDERS = ['processes', 'servers', 'services'];

const folderRules = (parent, folders) =>
  folders
    .map((folder, index) => ({
      name: `${parent}/${folder}-imports-only-lower-folders`,
      comment: 'A subfolder may import only from lower subfolders.',
      from: { path: `^${parent}/${folder}/`, pathNot: TEST },
      to: { path: folders.slice(index + 1).map((higher) => `^${parent}/${higher}/`) },
    }))
    .slice(0, -1);

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'no-circular-imports',
      comment: 'No circular imports. Merge the files, or move the shared part to a third file.',
      from: {},
      to: { circular: true },
    },
    ...folderRules('platform', PLATFORM_FOLDERS),
    ...folderRules('gateway', GATEWAY_FOLDERS),
    ...folderRules('scripts/local', LOCAL_FOLDERS),
    {
      name: 'platform-imports-no-other-folder',
      comment: 'All services use the platform, so it must not depend on any of them.',
      from: { path: '^(platform/|services\\.ts$)', pathNot: TEST },
      to: { path: '^(gateway|subgraphs|scripts|clients|tests|bench)/|^services\\.ts$' },
    },
    {
      name: 'subgraphs-share-only-messages',
      comment: 'A subgraph may import only the message contract of another subgraph.',
      from: { path: SUBGRAPH },
      to: { path: SUBGRAPH, pathNot: ['^subgraphs/$1/', '^subgraphs/[^/]+/messaging/contract\\.ts$'] },
    },
    {
      name: 'gateway-imports-only-platform',
      comment: 'The gateway may import only from the platform.',
      from: { path: '^gateway/', pathNot: TEST },
      to: { path: '^(subgraphs|scripts|clients|examples|tests|bench)/' },
    },
    {
      name: 'services-do-not-import-scripts',
      from: { path: '^(gateway|subgraphs|platform)/', pathNot: TEST },
      to: { path: '^(scripts|clients|examples|tests|bench)/' },
    },
    {
      name: 'examples-use-only-the-client',
      comment: 'An example is a program of a user: it may import the typed client and packages.',
      from: { path: '^examples/', pathNot: TEST },
      to: { path: '^(gateway|subgraphs|platform|prisma|scripts|tests|bench)/|^services\\.ts$' },
    },
    {
      name: 'client-runs-in-browsers',
      comment: 'The typed client runs in browsers: it uses no module of Node, and only graphql to print documents.',
      from: { path: '^clients/', pathNot: TEST },
      to: { pathNot: ['^clients/', 'node_modules/graphql/'], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'commands-run-before-code-is-generated',
      comment: 'On a fresh clone, these files are loaded before the generated code exists.',
      from: { path: '^(scripts/(start|generate|check|reset)|tests/run|bench/support/system)\\.ts$' },
      to: { path: '/generated/', reachable: true },
    },
    {
      name: 'domain-is-pure',
      comment: 'The domain uses no database, broker, cache or GraphQL. zod is its only library.',
      from: { path: '^subgraphs/[^/]+/domain/', pathNot: TEST },
      to: {
        pathNot: [
          '^subgraphs/[^/]+/domain/',
          '^platform/(errors/validation|identity/identity|clients/public-address)\\.ts$',
          'node_modules/zod/',
        ],
      },
    },
    {
      name: 'policy-imports-only-domain',
      comment: 'The policy is readable in one file: it uses no store, command or resolver.',
      from: { path: '^subgraphs/[^/]+/policy\\.ts$' },
      to: { pathNot: ['^subgraphs/[^/]+/domain/', '^platform/identity/'] },
    },
    {
      name: 'only-store-uses-sql',
      comment: 'Only store/ uses Prisma and SQL. main.ts connects them.',
      from: { path: SUBGRAPH, pathNot: ['^subgraphs/[^/]+/(store|generated)/', '^subgraphs/[^/]+/main\\.ts$', TEST] },
      to: { path: ['generated/prisma/', 'node_modules/@prisma/', 'node_modules/mariadb/'] },
    },
    {
      name: 'only-main-imports-graphql',
      comment: 'GraphQL is the outermost layer, so no other layer imports it.',
      from: { path: '^(subgraphs/[^/]+/(domain|commands|store|messaging)|platform)/' },
      to: { path: '^subgraphs/[^/]+/graphql/' },
    },
    {
      name: 'lower-layers-do-not-import-commands',
      from: { path: '^subgraphs/[^/]+/(store|domain|messaging)/', pathNot: TEST },
      to: { path: '^subgraphs/[^/]+/(commands|main|policy)' },
    },
    {
      name: 'no-development-package-in-production',
      from: { path: '^(gateway|subgraphs|platform)/', pathNot: TEST },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['type-only'] },
    },
    { name: 'resolvable', from: {}, to: { couldNotResolve: true } },
  ].map((rule) => ({ ...rule, severity: /** @type {const} */ ('error') })),
  options: {
    doNotFollow: { path: ['node_modules', '/generated/'] },
    tsPreCompilationDeps: 'specify',
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['node', 'import', 'default'],
      extensions: ['.ts', '.tsx', '.mjs', '.js', '.json'],
    },
    parser: 'swc',
  },
};
