import { defineConfig } from 'prisma/config';

/**
 * The configuration of the Prisma CLI for one database. `prisma generate` downloads the schema engine although this
 * generator does not need it. Naming any executable as the engine avoids the download. Other commands are not affected.
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
