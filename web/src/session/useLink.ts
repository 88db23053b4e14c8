/** A link opened in the browser, whose token has left the address; the server tells what it is for. */
import { useQuery } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { own } from '../api/own'
import { forgetOpened, openedToken } from './token'

export function useLink(path: '/invitation' | '/reset') {
  const [token] = useState(openedToken)
  useEffect(forgetOpened, [])
  const link = useQuery({ queryKey: ['link', path], queryFn: ({ signal }) => own.look(token ?? '', signal), enabled: token !== undefined, staleTime: Infinity, retry: false })
  return { token, link }
}
