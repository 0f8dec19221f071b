import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { LocalError, root } from '#scripts/local/settings.ts';
import { runTool } from '#scripts/local/tools.ts';
import { allOf, type Manifest, OVERLAYS, RENDER, renderOverlay } from './support/overlay.ts';

const CACHE = join(root, 'node_modules', '.cache');
const OPTIONS = ['--noEmit', '--strict', '--skipLibCheck', '--module', 'nodenext', '--ignoreConfig'];

/**
 * What the compiler says of the manifests as literals of the types in Kubernetes' own OpenAPI description. Unlike that
 * description's JSON schemas it also refuses a name that they do not know.
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

describe.each(OVERLAYS)('the objects of %s', (overlay) => {
  let manifests: Manifest[];
  beforeAll(async () => {
    manifests = await renderOverlay(overlay);
  }, RENDER);

  it('are what the API describes', async () => {
    expect(await problemsOf(manifests)).toEqual([]);
  });

  it.each<[mistake: string, where: Manifest['kind'], spec: object, problem: string]>([
    ['an unknown name', 'Deployment', { replica: 2 }, '"replica"'],
    ['a value of another type', 'Job', { backoffLimit: '3' }, 'number'],
    ['a part that is missing', 'HorizontalPodAutoscaler', { scaleTargetRef: undefined }, 'scaleTargetRef'],
  ])('would be refused for %s', async (_mistake, where, spec, problem) => {
    const mistaken = structuredClone(manifests);
    const [manifest] = allOf(mistaken, where);
    Object.assign((manifest as { spec?: object }).spec ?? {}, spec);
    expect(await problemsOf(mistaken)).toEqual([expect.stringContaining(problem)]);
  });

  it('are all in the namespace ebs, except for itself, and none is there twice', () => {
    const names = manifests.map(({ kind, metadata }) => `${kind}/${metadata?.name}`);
    expect(new Set(names).size).toBe(names.length);
    expect(manifests.filter(({ metadata }) => metadata?.namespace !== 'ebs').map(({ kind }) => kind)).toEqual([
      'Namespace',
    ]);
    expect(names).toContain('Namespace/ebs');
  });
});
