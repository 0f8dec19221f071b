import { Button } from '@mantine/core';
import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { Loaded } from './states.tsx';

interface Connection<Node> {
  readonly nodes: readonly Node[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
}

/** Loads the pages of a list. `refetchMs` says when to load them again by themselves. */
export const useList = <Node,>({
  queryKey,
  load,
  refetchMs = () => false,
}: {
  queryKey: readonly unknown[];
  load: (page: { after: string | null }, options: { signal: AbortSignal }) => Promise<Connection<Node>>;
  refetchMs?: (nodes: readonly Node[]) => number | false;
}) =>
  useInfiniteQuery({
    queryKey,
    queryFn: ({ pageParam, signal }) => load({ after: pageParam }, { signal }),
    initialPageParam: null as string | null,
    getNextPageParam: ({ pageInfo }) => (pageInfo.hasNextPage ? pageInfo.endCursor : null),
    placeholderData: keepPreviousData,
    refetchInterval: ({ state: { data } }) => refetchMs(data?.pages.flatMap(({ nodes }) => nodes) ?? []),
  });

/** Shows a list with a button for its next page, or `empty` if there is no entry. */
export function List<Node>({
  query,
  empty,
  more,
  children,
}: {
  query: ReturnType<typeof useList<Node>>;
  empty: ReactNode;
  more: string;
  children: (nodes: readonly Node[]) => ReactNode;
}) {
  return (
    <Loaded query={query}>
      {({ pages }) => {
        const nodes = pages.flatMap((page) => page.nodes);
        return (
          <>
            {nodes.length === 0 ? empty : children(nodes)}
            {query.hasNextPage && (
              <Button
                variant="default"
                className="more"
                loading={query.isFetchingNextPage}
                onClick={() => void query.fetchNextPage()}
              >
                {more}
              </Button>
            )}
          </>
        );
      }}
    </Loaded>
  );
}
