import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { LocalError, root } from '#scripts/local/settings.ts';
import { runTool } from '#scripts/local/tools.ts';
import { allOf, type Manifest, OVERLAYS, RENDER, renderOverlay } from './support/overlay.ts';

const CACHE = join(root, 'node_modules', '.cache');
const OPTIONS = ['--noEmit', '--strict', '--skipLibCheck', '--module', 'nodenext', '--ignoreConfig'];

/**
 * Checks the manifests with the TypeScript compiler against the types of the Kubernetes OpenAPI description. Returns
 * the messages of the compiler. Unlike the JSON schemas of that description, the types also refuse unknown properties.
 */
async function problemsOf(manifests: readonly Manifest[]): Promise<string[]> {
  const literals = manifests.map((manifest) => {
    const type = `import('kubernetes-models/${manifest.apiVersion}').I${manifest.kind}`;
    return `(${JSON.stringify(manifest)} satisfies ${type});\n`;
  });
  await mkdir(CACHE, { recursive: true });
  const folder = await mkdtemp(join(CACHE, 'manifests-'));
  const file = join(folder, 'manifests.ts');
  await writeFile(file, literals.join(''));
  try {
    await runTool('tsc', [...OPTIONS, file]);
    return [];
  } catch (error) {
    if (!(error instanceof LocalError)) throw error;
    return error.message.split('\n');
  } finally {
    await rm(folder, { recursive: true });
  }
}

describe.each(OVERLAYS)('the objects of the %s overlay', (overlay) => {
  let manifests: Manifest[];
  beforeAll(async () => {
    manifests = await renderOverlay(overlay);
  }, RENDER);

  it('match the Kubernetes API', async () => {
    expect(await problemsOf(manifests)).toEqual([]);
  });

  it.each<[mistake: string, where: Manifest['kind'], spec: object, problem: string]>([
    ['an unknown property', 'Deployment', { replica: 2 }, '"replica"'],
    ['a value of another type', 'Job', { backoffLimit: '3' }, 'number'],
    ['a missing property', 'HorizontalPodAutoscaler', { scaleTargetRef: undefined }, 'scaleTargetRef'],
  ])('control: %s is found', async (_mistake, where, spec, problem) => {
    const mistaken = structuredClone(manifests);
    const [manifest] = allOf(mistaken, where);
    Object.assign((manifest as { spec?: object }).spec ?? {}, spec);
    expect(await problemsOf(mistaken)).toEqual([expect.stringContaining(problem)]);
  });

  it('are unique, and all but the Namespace are in the namespace ebs', () => {
    const names = manifests.map(({ kind, metadata }) => `${kind}/${metadata?.name}`);
    expect(new Set(names).size).toBe(names.length);
    expect(manifests.filter(({ metadata }) => metadata?.namespace !== 'ebs').map(({ kind }) => kind)).toEqual([
      'Namespace',
    ]);
    expect(names).toContain('Namespace/ebs');
  });
});
