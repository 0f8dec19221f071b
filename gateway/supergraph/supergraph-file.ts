import { type StatsListener, unwatchFile, watchFile } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { SupergraphManager } from '@apollo/gateway';
import type { Logger } from '#platform/process/logger.ts';

/** By polling: a mounted configuration changes by a link that is swapped, which watching the file itself misses. */
const POLL_INTERVAL_MS = 1_000;

export interface SupergraphFile extends SupergraphManager {
  /** False while the file holds something else than what is served. */
  isServed(): boolean;
}

/** The supergraph from a file, again whenever the file changes. One that cannot be served is logged and kept out. */
export function createSupergraphFile({ path, logger }: { path: string; logger: Logger }): SupergraphFile {
  let served = false;
  return {
    isServed: () => served,
    async initialize({ update }) {
      const reload: StatsListener = async () => {
        try {
          update(await readFile(path, 'utf8'));
          served = true;
        } catch (error) {
          served = false;
          logger.error({ err: error }, 'the supergraph file is refused; the schema before it stays');
        }
      };
      const supergraphSdl = await readFile(path, 'utf8');
      watchFile(path, { interval: POLL_INTERVAL_MS }, reload);
      served = true;
      return { supergraphSdl, cleanup: async () => unwatchFile(path, reload) };
    },
  };
}
