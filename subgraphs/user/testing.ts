import { readFile } from 'node:fs/promises';
import fastify from 'fastify';
import { exportJWK, generateKeyPair } from 'jose';
import { v7 as newId } from 'uuid';
import type { GraphQLAnswer } from '#platform/clients/graphql-client.ts';
import { createDatabasePool, prismaAdapter } from '#platform/database/database.ts';
import { createSqlClient } from '#platform/database/transactions.ts';
import { createErrorMask } from '#platform/graphql/error-mask.ts';
import { serveSubgraph } from '#platform/graphql/graphql-server.ts';
import { createAuthenticator, GATEWAY_PROOF_HEADER, type Role } from '#platform/identity/identity.ts';
import { createSealer } from '#platform/messaging/sealer.ts';
import { databaseSettings, type PrivateKey, parseConfig } from '#platform/process/config.ts';
import { createLogger } from '#platform/process/logger.ts';
import { createTestDatabase } from '#platform/testing/database.ts';
import type { UserDependencies } from './commands/dependencies.ts';
import { createAccessTokenIssuer } from './credentials/access-tokens.ts';
import { noCredentialLimits } from './credentials/credential-limits.ts';
import { createPasswords } from './credentials/passwords.ts';
import { PrismaClient } from './generated/prisma/client.ts';
import type { Context } from './graphql/context.ts';
import { createSessionLoader, createUserLoaders } from './graphql/loaders.ts';
import { resolvers } from './graphql/resolvers.ts';
import { policy } from './policy.ts';

const ISSUER = { issuer: 'test', audience: 'test' };
const PROOF = 'the proof of the gateway';

export const PASSWORD = 'correct horse battery staple';

/** Creates an Ed25519 key pair in the form that the configuration has. */
export async function createKeyPair(kid = 'test-key') {
  const { privateKey } = await generateKeyPair('EdDSA', { extractable: true });
  const jwk = { ...(await exportJWK(privateKey)), kid } as PrivateKey;
  const { d, ...publicKey } = jwk;
  return { privateKey: jwk, publicKeys: { keys: [publicKey] } };
}

/** The session that a test receives, or the error instead. */
export interface SessionAnswer {
  __typename: string;
  accessToken: string;
  refreshToken: string;
  expiresAt: string;
  user: { id: string; name: string; email: string | null; role: Role };
  code?: string;
  field?: string;
}

const SESSION = `__typename
  ... on Session { accessToken refreshToken expiresAt user { id name email role } }
  ... on DomainError { code }`;

/** Starts the whole subgraph with its own database and without a port. */
export async function startUserSubgraph() {
  const { url, drop } = await createTestDatabase('user');
  const pool = createDatabasePool(parseConfig(databaseSettings('user_db'), { DATABASE_URL: url }));
  const database = new PrismaClient({ adapter: prismaAdapter(pool) });
  const { privateKey, publicKeys } = await createKeyPair();
  const logger = createLogger({ service: 'user', level: 'silent' });
  const dependencies: UserDependencies = {
    database,
    relay: { nudge: () => undefined, requireRoom: () => undefined },
    logger,
    passwords: await createPasswords(),
    limits: noCredentialLimits,
    sealer: createSealer(['the secret of mailed tokens']),
    issueAccessToken: await createAccessTokenIssuer({ ...ISSUER, privateKey, ttlS: 900 }),
    refreshTokenTtlS: 3_600,
    newId: () => newId(),
    now: () => new Date(),
  };
  const http = fastify();
  const sql = createSqlClient(pool);
  const createUserLoader = createUserLoaders(sql);
  await serveSubgraph<Context>({
    http,
    typeDefs: await readFile(new URL('schema.graphql', import.meta.url), 'utf8'),
    resolvers,
    policy,
    authenticate: createAuthenticator({ ...ISSUER, publicKeys }),
    acceptedProofs: [PROOF],
    formatError: createErrorMask(logger),
    createContext: (request) => ({
      ...request,
      dependencies,
      users: createUserLoader(),
      sessions: createSessionLoader(sql),
      signedIn: new Set<string>(),
    }),
  });

  async function ask<Data>(
    query: string,
    { variables = {}, accessToken }: { variables?: Record<string, unknown>; accessToken?: string } = {},
  ) {
    const response = await http.inject({
      method: 'POST',
      url: '/graphql',
      headers: { [GATEWAY_PROOF_HEADER]: PROOF, ...(accessToken && { authorization: `Bearer ${accessToken}` }) },
      payload: { query, variables },
    });
    return response.json<GraphQLAnswer & { data: Data }>();
  }

  async function askSession(query: string, variables: Record<string, unknown>): Promise<SessionAnswer> {
    const { data, errors } = await ask<{ session: SessionAnswer }>(query, { variables });
    if (errors) throw new Error(JSON.stringify(errors));
    return data.session;
  }

  const createUser = (input: { name?: string; email?: string; password?: string } = {}) =>
    askSession(
      `mutation ($input: CreateUserInput!) { session: createUser(input: $input) {
        ${SESSION} ... on InvalidInputError { field } } }`,
      { input: { name: 'Ada', email: `${newId()}@example.org`, password: PASSWORD, ...input } },
    );
  const signIn = (email: string, password = PASSWORD) =>
    askSession(`mutation ($input: SignInInput!) { session: signIn(input: $input) { ${SESSION} } }`, {
      input: { email, password },
    });

  return {
    databaseUrl: url,
    database,
    sql,
    dependencies,
    ask,
    createUser,
    signIn,
    refresh: (refreshToken: string) =>
      askSession(`mutation ($token: String!) { session: refreshSession(refreshToken: $token) { ${SESSION} } }`, {
        token: refreshToken,
      }),
    async signOut(refreshToken: string) {
      const variables = { token: refreshToken };
      const { data } = await ask<{ signOut: boolean }>(`mutation ($token: String!) { signOut(refreshToken: $token) }`, {
        variables,
      });
      return data.signOut;
    },
    /** Creates an admin and returns their session. */
    async createAdmin(): Promise<SessionAnswer> {
      const email = `${newId()}@example.org`;
      await createUser({ email });
      await database.user.update({ where: { email }, data: { role: 'ADMIN' } });
      return signIn(email);
    },
    async stop() {
      await http.close();
      await pool.end();
      await drop();
    },
  };
}

export type UserSubgraph = Awaited<ReturnType<typeof startUserSubgraph>>;
