import { z } from 'zod';
import { ConfigError, integer, jsonOf, parseConfig, secrets, subgraphSettings } from '#platform/config.ts';

const key256 = z.string().regex(/^[\w-]{43}$/);

/** An Ed25519 private key as a JSON Web Key, RFC 8037. */
const privateKey = z.object({
  kty: z.literal('OKP'),
  crv: z.literal('Ed25519'),
  kid: z.string().min(1),
  x: key256,
  d: key256,
});

export type PrivateKey = z.output<typeof privateKey>;

/** The user subgraph's settings. @throws ConfigError, also when nobody could verify what the private key signs */
export function readUserConfig(env: NodeJS.ProcessEnv) {
  const config = parseConfig(
    {
      ...subgraphSettings(4001, 'user_db'),
      USER_SUBGRAPH_SECRET: secrets,
      JWT_PRIVATE_KEY: z.string().transform(jsonOf(privateKey)),
      ACCESS_TOKEN_TTL: integer(1, 86_400, 900),
      REFRESH_TOKEN_TTL: integer(1, 31_536_000, 2_592_000),
    },
    env,
  );
  const { kid, x } = config.JWT_PRIVATE_KEY;
  if (!config.JWT_PUBLIC_KEYS.keys.some((key) => key.kid === kid && key.x === x)) {
    throw new ConfigError(['JWT_PRIVATE_KEY: its public half is not among JWT_PUBLIC_KEYS under the same kid']);
  }
  return config;
}
