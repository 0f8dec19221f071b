import 'graphiql/setup-workers/vite';
import 'graphiql/style.css';
import '@graphiql/plugin-explorer/style.css';
import '@graphiql/plugin-history/style.css';
import './explorer.css';
import { explorerPlugin } from '@graphiql/plugin-explorer';
import { HISTORY_PLUGIN } from '@graphiql/plugin-history';
import { GraphiQL, type GraphiQLProps } from 'graphiql';
import { type DocumentNode, getOperationAST } from 'graphql';
import { createClient } from 'graphql-sse';
import { createRoot } from 'react-dom/client';
import tour from '../docs/tour.md?raw';
import { emptyVariables, stepsOfTour, withComment } from '../scripts/tour/steps.ts';
import { authorization, send } from './demo-session.ts';
import { SignInButton } from './sign-in-button.tsx';

/** One tab for each operation of the tour. GraphiQL keeps the visitor's own tabs for later visits. */
const TABS = stepsOfTour(tour).map((step) => ({ query: withComment(step), variables: emptyVariables(step) }));
const PLUGINS = [explorerPlugin({ showAttribution: false }), HISTORY_PLUGIN];

/** Sends an operation. An Authorization header of the tab takes precedence over the demo user's. */
const fetcher: GraphiQLProps['fetcher'] = async (operation, { headers = {}, documentAST } = {}) => {
  const isOwn = Object.keys(headers).some((name) => name.toLowerCase() === 'authorization');
  const sent = { ...(isOwn ? {} : await authorization()), ...headers };
  if (!isSubscription(documentAST, operation.operationName)) return send(operation, sent);
  const { operationName, ...unnamed } = operation;
  const named = operationName ? { operationName, ...unnamed } : unnamed;
  return createClient({ url: '/graphql', headers: sent }).iterate(named) as AsyncGenerator<object>;
};

const isSubscription = (document: DocumentNode | undefined, name: string | null | undefined): boolean =>
  document !== undefined && getOperationAST(document, name)?.operation === 'subscription';

createRoot(document.getElementById('root') as HTMLElement).render(
  <GraphiQL fetcher={fetcher} plugins={PLUGINS} defaultTabs={TABS} defaultEditorToolsVisibility="variables">
    <GraphiQL.Logo>
      <SignInButton />
    </GraphiQL.Logo>
  </GraphiQL>,
);
