import { type StatsListener, unwatchFile, watchFile } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { SupergraphManager } from '@apollo/gateway';
import type { Logger } from '#platform/process/logger.ts';

/** Polling is necessary: Kubernetes updates a mounted file by swapping a link, which a watch on the file misses. */
const POLL_INTERVAL_MS = 1_000;

export interface SupergraphFile extends SupergraphManager {
  /** False while the content of the file differs from the supergraph that is served. */
  isServed(): boolean;
}

/**
 * Loads the supergraph from a file, and again whenever the file changes. A changed supergraph that cannot be served is
 * logged and rejected. The previous one stays in use.
 */
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
          logger.error({ err: error }, 'the supergraph file was refused; the previous one stays in use');
        }
      };
      const supergraphSdl = await readFile(path, 'utf8');
      watchFile(path, { interval: POLL_INTERVAL_MS }, reload);
      served = true;
      return { supergraphSdl, cleanup: async () => unwatchFile(path, reload) };
    },
  };
}
