import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { IIngress } from 'kubernetes-models/networking.k8s.io/v1';
import { beforeAll, describe, expect, it } from 'vitest';
import { DEBUG_PARTS } from '#platform/process/debug.ts';
import { CONFIG_READERS } from '#scripts/local/services/configuration.ts';
import { root } from '#scripts/local/settings.ts';
import { environmentOf, secretOf } from './support/environment.ts';
import { type Manifest, oneOf, RENDER, renderOverlay, VARIANTS } from './support/overlay.ts';

const OPERATOR_PATHS = ['/health', '/serving', '/ready', '/metrics', ...DEBUG_PARTS.map((part) => `/debug/${part}`)];

/** A path of each page of the box office, and of one of its files. */
const routes = readFileSync(join(root, 'examples/box-office/src/app.tsx'), 'utf8').matchAll(/<Route path="([^"]+)"/g);
const PAGES = [...[...routes].map(([, path = '']) => path.replace(':id', '0193f0a0')), '/assets/index-1a2b3c4d.js'];

const pathsOf = ({ spec }: IIngress) => (spec?.rules ?? []).flatMap(({ http }) => http?.paths ?? []);

/** Whether the Ingress sends requests with this path to the gateway. A prefix matches whole elements of the path. */
const publishes = (ingress: IIngress, requested: string): boolean =>
  pathsOf(ingress).some(({ path = '', pathType }) =>
    pathType === 'Exact' ? requested === path : `${requested}/`.startsWith(path.endsWith('/') ? path : `${path}/`),
  );

const publishedOf = (ingress: IIngress, paths: readonly string[]) => paths.filter((path) => publishes(ingress, path));

describe.each(VARIANTS)('the Ingress of $title', ({ overlay, components }) => {
  const hasBoxOffice = overlay === 'minikube' || components.includes('box-office');
  let manifests: Manifest[];
  let ingress: IIngress;
  beforeAll(async () => {
    manifests = await renderOverlay(overlay, components);
    ingress = oneOf(manifests, 'Ingress', 'gateway');
  }, RENDER);

  it('publishes the graph, and each page of the box office only if the gateway serves them', () => {
    expect(PAGES.length).toBeGreaterThan(8);
    expect(publishedOf(ingress, ['/graphql', '/graphql/batch'])).toEqual(['/graphql']);
    expect(publishedOf(ingress, PAGES)).toEqual(hasBoxOffice ? PAGES : []);
    const [container = { name: '' }] = oneOf(manifests, 'Deployment', 'gateway').spec?.template.spec?.containers ?? [];
    const env = environmentOf(container, manifests, secretOf(overlay, manifests));
    expect(CONFIG_READERS.gateway(env).servesBoxOffice).toBe(hasBoxOffice);
  });

  it('publishes the explorer only in minikube', () => {
    expect(publishes(ingress, '/graphiql')).toBe(overlay === 'minikube');
  });

  it('publishes no path for operators and no unknown path, and sends everything to the gateway', () => {
    expect(publishedOf(ingress, [...OPERATOR_PATHS, '/unknown', '/eventsmetrics'])).toEqual([]);
    for (const { backend } of pathsOf(ingress)) {
      expect(backend).toEqual({ service: { name: 'gateway', port: { name: 'http' } } });
    }
  });

  it('control: a prefix of / publishes the paths for operators', () => {
    const open = structuredClone(ingress);
    for (const path of pathsOf(open)) Object.assign(path, { path: '/', pathType: 'Prefix' });
    expect(publishedOf(open, OPERATOR_PATHS)).toEqual(OPERATOR_PATHS);
  });
});
