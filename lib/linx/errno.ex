# SPDX-License-Identifier: MIT

defmodule Linx.Errno do
  @moduledoc """
  The error numbers of Linux, by name and by number, from one table.

  The numbers are those of `asm-generic/errno.h`, which x86, ARM and RISC-V use; the descriptions are
  strerror(3)'s.

      iex> Linx.Errno.name(2)
      :enoent
      iex> Linx.Errno.code(:enoent)
      2
      iex> Linx.Errno.describe(:enoent)
      "No such file or directory"
  """

  @table [
    {:eperm, 1, "Operation not permitted"},
    {:enoent, 2, "No such file or directory"},
    {:esrch, 3, "No such process"},
    {:eintr, 4, "Interrupted system call"},
    {:eio, 5, "Input/output error"},
    {:enxio, 6, "No such device or address"},
    {:e2big, 7, "Argument list too long"},
    {:enoexec, 8, "Exec format error"},
    {:ebadf, 9, "Bad file descriptor"},
    {:echild, 10, "No child processes"},
    {:eagain, 11, "Resource temporarily unavailable"},
    {:enomem, 12, "Cannot allocate memory"},
    {:eacces, 13, "Permission denied"},
    {:efault, 14, "Bad address"},
    {:enotblk, 15, "Block device required"},
    {:ebusy, 16, "Device or resource busy"},
    {:eexist, 17, "File exists"},
    {:exdev, 18, "Invalid cross-device link"},
    {:enodev, 19, "No such device"},
    {:enotdir, 20, "Not a directory"},
    {:eisdir, 21, "Is a directory"},
    {:einval, 22, "Invalid argument"},
    {:enfile, 23, "Too many open files in system"},
    {:emfile, 24, "Too many open files"},
    {:enotty, 25, "Inappropriate ioctl for device"},
    {:etxtbsy, 26, "Text file busy"},
    {:efbig, 27, "File too large"},
    {:enospc, 28, "No space left on device"},
    {:espipe, 29, "Illegal seek"},
    {:erofs, 30, "Read-only file system"},
    {:emlink, 31, "Too many links"},
    {:epipe, 32, "Broken pipe"},
    {:edom, 33, "Numerical argument out of domain"},
    {:erange, 34, "Numerical result out of range"},
    {:edeadlk, 35, "Resource deadlock avoided"},
    {:enametoolong, 36, "File name too long"},
    {:enolck, 37, "No locks available"},
    {:enosys, 38, "Function not implemented"},
    {:enotempty, 39, "Directory not empty"},
    {:eloop, 40, "Too many levels of symbolic links"},
    {:enomsg, 42, "No message of desired type"},
    {:eidrm, 43, "Identifier removed"},
    {:echrng, 44, "Channel number out of range"},
    {:el2nsync, 45, "Level 2 not synchronized"},
    {:el3hlt, 46, "Level 3 halted"},
    {:el3rst, 47, "Level 3 reset"},
    {:elnrng, 48, "Link number out of range"},
    {:eunatch, 49, "Protocol driver not attached"},
    {:enocsi, 50, "No CSI structure available"},
    {:el2hlt, 51, "Level 2 halted"},
    {:ebade, 52, "Invalid exchange"},
    {:ebadr, 53, "Invalid request descriptor"},
    {:exfull, 54, "Exchange full"},
    {:enoano, 55, "No anode"},
    {:ebadrqc, 56, "Invalid request code"},
    {:ebadslt, 57, "Invalid slot"},
    {:ebfont, 59, "Bad font file format"},
    {:enostr, 60, "Device not a stream"},
    {:enodata, 61, "No data available"},
    {:etime, 62, "Timer expired"},
    {:enosr, 63, "Out of streams resources"},
    {:enonet, 64, "Machine is not on the network"},
    {:enopkg, 65, "Package not installed"},
    {:eremote, 66, "Object is remote"},
    {:enolink, 67, "Link has been severed"},
    {:eadv, 68, "Advertise error"},
    {:esrmnt, 69, "Srmount error"},
    {:ecomm, 70, "Communication error on send"},
    {:eproto, 71, "Protocol error"},
    {:emultihop, 72, "Multihop attempted"},
    {:edotdot, 73, "RFS specific error"},
    {:ebadmsg, 74, "Bad message"},
    {:eoverflow, 75, "Value too large for defined data type"},
    {:enotuniq, 76, "Name not unique on network"},
    {:ebadfd, 77, "File descriptor in bad state"},
    {:eremchg, 78, "Remote address changed"},
    {:elibacc, 79, "Can not access a needed shared library"},
    {:elibbad, 80, "Accessing a corrupted shared library"},
    {:elibscn, 81, ".lib section in a.out corrupted"},
    {:elibmax, 82, "Attempting to link in too many shared libraries"},
    {:elibexec, 83, "Cannot exec a shared library directly"},
    {:eilseq, 84, "Invalid or incomplete multibyte or wide character"},
    {:erestart, 85, "Interrupted system call should be restarted"},
    {:estrpipe, 86, "Streams pipe error"},
    {:eusers, 87, "Too many users"},
    {:enotsock, 88, "Socket operation on non-socket"},
    {:edestaddrreq, 89, "Destination address required"},
    {:emsgsize, 90, "Message too long"},
    {:eprototype, 91, "Protocol wrong type for socket"},
    {:enoprotoopt, 92, "Protocol not available"},
    {:eprotonosupport, 93, "Protocol not supported"},
    {:esocktnosupport, 94, "Socket type not supported"},
    {:eopnotsupp, 95, "Operation not supported"},
    {:epfnosupport, 96, "Protocol family not supported"},
    {:eafnosupport, 97, "Address family not supported by protocol"},
    {:eaddrinuse, 98, "Address already in use"},
    {:eaddrnotavail, 99, "Cannot assign requested address"},
    {:enetdown, 100, "Network is down"},
    {:enetunreach, 101, "Network is unreachable"},
    {:enetreset, 102, "Network dropped connection on reset"},
    {:econnaborted, 103, "Software caused connection abort"},
    {:econnreset, 104, "Connection reset by peer"},
    {:enobufs, 105, "No buffer space available"},
    {:eisconn, 106, "Transport endpoint is already connected"},
    {:enotconn, 107, "Transport endpoint is not connected"},
    {:eshutdown, 108, "Cannot send after transport endpoint shutdown"},
    {:etoomanyrefs, 109, "Too many references: cannot splice"},
    {:etimedout, 110, "Connection timed out"},
    {:econnrefused, 111, "Connection refused"},
    {:ehostdown, 112, "Host is down"},
    {:ehostunreach, 113, "No route to host"},
    {:ealready, 114, "Operation already in progress"},
    {:einprogress, 115, "Operation now in progress"},
    {:estale, 116, "Stale file handle"},
    {:euclean, 117, "Structure needs cleaning"},
    {:enotnam, 118, "Not a XENIX named type file"},
    {:enavail, 119, "No XENIX semaphores available"},
    {:eisnam, 120, "Is a named type file"},
    {:eremoteio, 121, "Remote I/O error"},
    {:edquot, 122, "Disk quota exceeded"},
    {:enomedium, 123, "No medium found"},
    {:emediumtype, 124, "Wrong medium type"},
    {:ecanceled, 125, "Operation canceled"},
    {:enokey, 126, "Required key not available"},
    {:ekeyexpired, 127, "Key has expired"},
    {:ekeyrevoked, 128, "Key has been revoked"},
    {:ekeyrejected, 129, "Key was rejected by service"},
    {:eownerdead, 130, "Owner died"},
    {:enotrecoverable, 131, "State not recoverable"},
    {:erfkill, 132, "Operation not possible due to RF-kill"},
    {:ehwpoison, 133, "Memory page has hardware error"}
  ]

  # errno(3): two names for one number.
  @aliases [ewouldblock: :eagain, edeadlock: :edeadlk, enotsup: :eopnotsupp]

  @typedoc "An error's name in lower case, such as `:enoent`; `:unknown` for a number without one."
  @type name :: atom()

  @doc """
  The name of an error number, `:unknown` when Linux has none for it.

      iex> Linx.Errno.name(13)
      :eacces
      iex> Linx.Errno.name(9999)
      :unknown
  """
  @spec name(integer()) :: name()
  for {name, code, _text} <- @table do
    def name(unquote(code)), do: unquote(name)
  end

  def name(code) when is_integer(code), do: :unknown

  @doc """
  The number of a name or an alias of one, `nil` when it is no errno.

      iex> Linx.Errno.code(:ewouldblock)
      11
      iex> Linx.Errno.code(:enonsense)
      nil
  """
  @spec code(atom()) :: pos_integer() | nil
  for {name, code, _text} <- @table do
    def code(unquote(name)), do: unquote(code)
  end

  for {other, name} <- @aliases do
    def code(unquote(other)), do: code(unquote(name))
  end

  def code(name) when is_atom(name), do: nil

  @doc """
  The description of an error, by name or number.

      iex> Linx.Errno.describe(12)
      "Cannot allocate memory"
      iex> Linx.Errno.describe(:enotsup)
      "Operation not supported"
  """
  @spec describe(name() | integer()) :: String.t()
  for {_name, code, text} <- @table do
    def describe(unquote(code)), do: unquote(text)
  end

  def describe(code) when is_integer(code), do: "Unknown error #{code}"

  def describe(name) when is_atom(name) do
    case code(name) do
      nil -> "Unknown error #{inspect(name)}"
      code -> describe(code)
    end
  end

  @doc """
  Every error as `{name, number}`, in the order of the numbers.

      iex> Linx.Errno.all() |> hd()
      {:eperm, 1}
  """
  @spec all() :: [{name(), pos_integer()}]
  def all, do: unquote(for {name, code, _text} <- @table, do: {name, code})

  @doc """
  The second names, as `{alias, name}`.

      iex> Linx.Errno.aliases()[:enotsup]
      :eopnotsupp
  """
  @spec aliases() :: [{atom(), name()}]
  def aliases, do: @aliases
end
