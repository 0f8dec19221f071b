import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { LocalError, root } from '#scripts/local/settings.ts';
import { runTool } from '#scripts/local/tools.ts';
import { allOf, type Manifest, RENDER, renderOverlay, VARIANTS } from './support/overlay.ts';

const CACHE = join(root, 'node_modules', '.cache');
const OPTIONS = ['--noEmit', '--strict', '--skipLibCheck', '--module', 'nodenext', '--ignoreConfig'];

/**
 * Checks the manifests with the TypeScript compiler against the types of the Kubernetes OpenAPI description and of the
 * Prometheus Operator. Returns the messages of the compiler. Unlike the JSON schemas of that description, the types also
 * refuse unknown properties.
 */
async function problemsOf(manifests: readonly Manifest[]): Promise<string[]> {
  const literals = manifests.map((manifest) => {
    const types = manifest.apiVersion.startsWith('monitoring.coreos.com/')
      ? '@kubernetes-models/prometheus-operator'
      : 'kubernetes-models';
    const type = `import('${types}/${manifest.apiVersion}').I${manifest.kind}`;
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

const MISTAKES: [mistake: string, where: Manifest['kind'], spec: object, problem: string][] = [
  ['an unknown property', 'Deployment', { replica: 2 }, '"replica"'],
  ['a value of another type', 'Job', { backoffLimit: '3' }, 'number'],
  ['a missing property', 'HorizontalPodAutoscaler', { scaleTargetRef: undefined }, 'scaleTargetRef'],
  ['an unknown property', 'PodMonitor', { podSelector: {} }, '"podSelector"'],
];

describe.each(VARIANTS)('the objects of $title', ({ overlay, components }) => {
  let manifests: Manifest[];
  beforeAll(async () => {
    manifests = await renderOverlay(overlay, components);
  }, RENDER);

  it('match the Kubernetes API', async () => {
    expect(await problemsOf(manifests)).toEqual([]);
  });

  it.each(MISTAKES.filter(([, where]) => where !== 'PodMonitor' || components.includes('monitoring')))(
    'control: %s is found in a %s',
    async (_mistake, where, spec, problem) => {
      const mistaken = structuredClone(manifests);
      const [manifest] = allOf(mistaken, where);
      Object.assign((manifest as { spec?: object }).spec ?? {}, spec);
      expect(await problemsOf(mistaken)).toEqual([expect.stringContaining(problem)]);
    },
  );

  it('are unique, and all but the Namespace are in the namespace ebs', () => {
    const names = manifests.map(({ kind, metadata }) => `${kind}/${metadata?.name}`);
    expect(new Set(names).size).toBe(names.length);
    expect(manifests.filter(({ metadata }) => metadata?.namespace !== 'ebs').map(({ kind }) => kind)).toEqual([
      'Namespace',
    ]);
    expect(names).toContain('Namespace/ebs');
  });
});
