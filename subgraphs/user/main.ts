import { readFile } from 'node:fs/promises';
import { v7 as newId } from 'uuid';
import { createSealer } from '#platform/messaging/sealer.ts';
import { pruneOutbox } from '#platform/outbox/prune.ts';
import { createPublisher } from '#platform/outbox/publisher.ts';
import { configOrExit } from '#platform/process/config.ts';
import { redisDebug } from '#platform/redis/debug.ts';
import { createRateLimiters } from '#platform/redis/rate-limiter.ts';
import { createRedis } from '#platform/redis/redis.ts';
import { createSubgraphService } from '#platform/subgraph-service.ts';
import { readConfig } from './config.ts';
import { createAccessTokenIssuer } from './credentials/access-tokens.ts';
import { createCredentialLimits, noCredentialLimits } from './credentials/credential-limits.ts';
import { serveKeySet } from './credentials/key-set.ts';
import { createPasswords } from './credentials/passwords.ts';
import { PrismaClient } from './generated/prisma/client.ts';
import type { Context } from './graphql/context.ts';
import { createSessionLoader, createUserLoaders } from './graphql/loaders.ts';
import { resolvers } from './graphql/resolvers.ts';
import { userStream } from './messaging/contract.ts';
import { policy } from './policy.ts';
import { pruneTokens } from './store/account-tokens.ts';
import { pruneExpiredSessions, pruneUsedSessions } from './store/sessions.ts';

const config = configOrExit(readConfig);
const service = createSubgraphService('user', config);
const { broker, logger, metrics, sql } = service;

const database = new PrismaClient({ adapter: service.adapter });
const stream = { ...userStream, bytesMax: config.USERS_STREAM_BYTES_MAX };
const relay = createPublisher({ settings: config, database: sql, broker, stream, logger, metrics });
service.addOptionalDependency('relay', relay);
service.prune({
  'published messages': pruneOutbox(sql),
  'expired refresh tokens': pruneExpiredSessions(database),
  'expired mailed tokens': pruneTokens(sql),
  'used refresh tokens': pruneUsedSessions(database, config.USED_REFRESH_TOKEN_KEEP_DAYS),
});
const issueAccessToken = await createAccessTokenIssuer({
  privateKey: config.JWT_PRIVATE_KEY,
  issuer: config.JWT_ISSUER,
  audience: config.JWT_AUDIENCE,
  ttlS: config.ACCESS_TOKEN_TTL,
});

function startLimits() {
  const redis = createRedis({ url: config.REDIS_URL, tlsCa: config.REDIS_TLS_CA, name: 'user', logger });
  service.addOptionalDependency('limits', {
    isHealthy: () => redis.status === 'ready',
    redis: redisDebug(redis),
    stop: async () => redis.disconnect(),
  });
  return createCredentialLimits(createRateLimiters({ redis, logger, metrics }), {
    signInsPerMinute: config.SIGN_IN_LIMIT_ADDRESS,
    signUpsPerHour: config.SIGN_UP_LIMIT_ADDRESS,
  });
}

const dependencies = {
  database,
  relay,
  logger,
  passwords: await createPasswords(),
  limits: config.RATE_LIMITS ? startLimits() : noCredentialLimits,
  sealer: createSealer(config.ACCOUNT_MAIL_SECRET),
  issueAccessToken,
  refreshTokenTtlS: config.REFRESH_TOKEN_TTL,
  newId: () => newId(),
  now: () => new Date(),
};
const createUserLoader = createUserLoaders(sql);

await service.serve<Context>({
  typeDefs: await readFile(new URL('schema.graphql', import.meta.url), 'utf8'),
  resolvers,
  policy,
  acceptedProofs: config.USER_SUBGRAPH_SECRET,
  routes: (http) => serveKeySet(http, config.JWT_PUBLIC_KEYS),
  createContext: (request) => ({
    ...request,
    dependencies,
    users: createUserLoader(),
    sessions: createSessionLoader(sql),
    signedIn: new Set<string>(),
  }),
});
