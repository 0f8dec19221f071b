import { v7 as newId } from 'uuid';
import { createDatabasePool, prismaAdapter } from '#platform/database/database.ts';
import { databaseSettings, parseConfig } from '#platform/process/config.ts';
import { createTestDatabase } from '#platform/testing/database.ts';
import type { EventDependencies } from './commands/dependencies.ts';
import { PrismaClient } from './generated/prisma/client.ts';

/** Creates the commands' dependencies, with a database for one test file. `remove` deletes the database. */
export async function createEventTestDependencies(): Promise<{
  dependencies: EventDependencies;
  remove(): Promise<void>;
}> {
  const { url, drop } = await createTestDatabase('event');
  const pool = createDatabasePool(parseConfig(databaseSettings('event_db'), { DATABASE_URL: url }));
  return {
    dependencies: {
      database: new PrismaClient({ adapter: prismaAdapter(pool) }),
      cache: { getMany: async () => new Map(), invalidate: async () => undefined },
      relay: { nudge: () => undefined, requireRoom: () => undefined },
      now: () => new Date(),
      newId: () => newId(),
    },
    async remove() {
      await pool.end();
      await drop();
    },
  };
}
