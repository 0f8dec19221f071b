import { LRUCache } from 'lru-cache';

/** A cache for Apollo Server. It evicts the least recently used entries when the sum of sizes exceeds `sizeMax`. */
export function createBoundedCache<Value extends object | string>({
  sizeMax,
  sizeOf,
}: {
  sizeMax: number;
  sizeOf: (value: Value) => number;
}) {
  const entries = new LRUCache<string, Value>({
    maxSize: sizeMax,
    sizeCalculation: (value) => Math.max(1, sizeOf(value)),
  });
  return {
    get: async (key: string) => entries.get(key),
    set: async (key: string, value: Value) => void entries.set(key, value),
    delete: async (key: string) => entries.delete(key),
  };
}
