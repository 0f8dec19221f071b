/** The boundaries of docs/decisions/0002-module-boundaries-checked-by-dependency-cruiser.md, held by `npm run check`. */

const SUBGRAPH = '^subgraphs/([^/]+)/';
const TEST = '\\.(test|int\\.test|e2e\\.test)\\.ts$|/testing\\.ts$|^platform/testing/';

/** The rooms of a folder, the lowest first: each imports only those before it. */
const PLATFORM_ROOMS = [
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
const GATEWAY_ROOMS = ['limits', 'supergraph', 'http'];
const LOCAL_ROOMS = ['processes', 'servers', 'services'];

const roomRules = (folder, rooms) =>
  rooms
    .map((room, index) => ({
      name: `${folder}/${room}-imports-lower-rooms-only`,
      comment: 'A room is read without the rooms that build on it.',
      severity: 'error',
      from: { path: `^${folder}/${room}/`, pathNot: TEST },
      to: { path: rooms.slice(index + 1).map((higher) => `^${folder}/${higher}/`) },
    }))
    .slice(0, -1);

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'no-circles',
      comment: 'Two files that need each other are one thing, or want a third.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    ...roomRules('platform', PLATFORM_ROOMS),
    ...roomRules('gateway', GATEWAY_ROOMS),
    ...roomRules('scripts/local', LOCAL_ROOMS),
    {
      name: 'platform-imports-no-one',
      comment: 'What every service stands on knows none of them.',
      severity: 'error',
      from: { path: '^(platform/|services\\.ts$)', pathNot: TEST },
      to: { path: '^(gateway|subgraphs|scripts|tests|bench)/|^services\\.ts$' },
    },
    {
      name: 'subgraphs-share-messages-only',
      comment: 'A subgraph knows another one by its SDL and by its versioned messages.',
      severity: 'error',
      from: { path: SUBGRAPH },
      to: { path: SUBGRAPH, pathNot: ['^subgraphs/$1/', '^subgraphs/[^/]+/messaging/contract\\.ts$'] },
    },
    {
      name: 'gateway-holds-no-business',
      comment: 'The gateway stands on the platform alone.',
      severity: 'error',
      from: { path: '^gateway/', pathNot: TEST },
      to: { path: '^(subgraphs|scripts|tests|bench)/' },
    },
    {
      name: 'services-know-no-scripts',
      severity: 'error',
      from: { path: '^(gateway|subgraphs|platform)/', pathNot: TEST },
      to: { path: '^(scripts|tests|bench)/' },
    },
    {
      name: 'domain-is-pure',
      comment: 'No database, broker, cache or GraphQL in the domain; validation rules are its only library.',
      severity: 'error',
      from: { path: '^subgraphs/[^/]+/domain/', pathNot: TEST },
      to: {
        pathNot: [
          '^subgraphs/[^/]+/domain/',
          '^platform/(errors/validation|identity/identity)\\.ts$',
          'node_modules/zod/',
        ],
      },
    },
    {
      name: 'policy-is-a-table-over-the-domain',
      comment: 'Who may see and do what is read in one place: no store, no command, no resolver behind it.',
      severity: 'error',
      from: { path: '^subgraphs/[^/]+/policy\\.ts$' },
      to: { pathNot: ['^subgraphs/[^/]+/domain/', '^platform/identity/'] },
    },
    {
      name: 'store-alone-knows-sql',
      comment: 'Prisma and SQL stay in store/; a composition root wires them.',
      severity: 'error',
      from: { path: SUBGRAPH, pathNot: ['^subgraphs/[^/]+/(store|generated)/', '^subgraphs/[^/]+/main\\.ts$', TEST] },
      to: { path: ['generated/prisma/', 'node_modules/@prisma/', 'node_modules/mariadb/'] },
    },
    {
      name: 'nobody-imports-graphql',
      comment: 'The GraphQL layer is the outermost one.',
      severity: 'error',
      from: { path: '^(subgraphs/[^/]+/(domain|commands|store|messaging)|platform)/' },
      to: { path: '^subgraphs/[^/]+/graphql/' },
    },
    {
      name: 'store-is-below-commands',
      severity: 'error',
      from: { path: '^subgraphs/[^/]+/(store|domain|messaging)/', pathNot: TEST },
      to: { path: '^subgraphs/[^/]+/(commands|main|policy)' },
    },
    {
      name: 'no-development-package-in-production',
      severity: 'error',
      from: { path: '^(gateway|subgraphs|platform)/', pathNot: TEST },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['type-only'] },
    },
    { name: 'resolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: ['node_modules', '/generated/'] },
    tsPreCompilationDeps: 'specify',
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['node', 'import', 'default'],
      extensions: ['.ts', '.mjs', '.js', '.json'],
    },
    parser: 'swc',
  },
};
