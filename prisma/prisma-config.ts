import { defineConfig } from 'prisma/config';

/**
 * The configuration of one database's Prisma CLI. `prisma generate` needs no engine for this generator but looks
 * for the schema engine's binary all the same; naming any executable spares the download. Other commands keep
 * Prisma's own behaviour.
 */
export function prismaConfig(name: string) {
  if (process.argv.includes('generate')) process.env.PRISMA_SCHEMA_ENGINE_BINARY ??= process.execPath;
  const url = process.env[`DATABASE_URL_${name.toUpperCase()}`] ?? process.env.DATABASE_URL;
  return defineConfig({
    schema: 'schema.prisma',
    migrations: { path: 'migrations' },
    ...(url === undefined ? {} : { datasource: { url } }),
  });
}
