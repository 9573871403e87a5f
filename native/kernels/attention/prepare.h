// Index tensors: read once, checked, and copied to where no other stream writes. The kernels that
// follow use the copies, so that what they use is what was checked.
#pragma once

#include "simt/simt.h"

namespace fattn {

/// In the order in which they are checked; those checked position by position together stand side
/// by side. The CPU backend finds the same first mistake.
enum class IndexTensor : int32_t {
  kHeadMapK = 0,
  kHeadMapV,
  kWindowLeft,  // with the next two
  kWindowRight,
  kSinkTokens,
  kCuSeqLensQ,
  kCuSeqLensK,
  kKvLengths,  // with the next
  kPrefixLengths,
  kCuSeqLens,  // of one kind of tokens: compressed convolutions
  kLengths,
  kKeptTokens,  // how many tokens there were, of each list of a decoding state
  kCount,
};

/// What is wrong with an element.
enum class IndexMistake : int32_t {
  kOutside = 0,  // it is not within least .. most
  // Of lists of keys: see sparse/check_lists.h.
  kTwice,    // it names a block that its list has already
  kFalling,  // `value` to `most` are no range of `least` indices
  kCount,    // no number of tokens
  kToken,    // no key, of `most`
};

/// Lists of keys, where it is one of them that holds the element.
enum class KeyLists : int32_t { kNone = 0, kFull, kPartial, kKept };

/// The first element that is wrong.
struct IndexReport {
  int32_t failed;
  IndexTensor tensor;
  int32_t position;
  int32_t value;
  int32_t least, most;  // most INT32_MAX: no bound
  IndexMistake mistake = IndexMistake::kOutside;
  KeyLists lists = KeyLists::kNone;
  int32_t batch = 0, head = 0;  // of the list; `position` of kFalling is its number there
};

/// One index tensor, and where its copy goes. Null source: absent.
struct IndexSource {
  int32_t const* source;
  int64_t stride;
  int32_t count;
  int32_t*
      copy;  // [count]; of kCuSeqLens… [count + 1], with the end of the tokens that follow the last
};

struct PrepareParams {
  IndexSource tensors[static_cast<int>(IndexTensor::kCount)];
  int32_t heads_k, heads_v;
  int32_t seq_q, seq_kv;  // packed: of all sequences together; of a state: those added
  IndexReport* report;
};

/// One block. After a mistake all copies are 0, which no kernel can stumble over: head 0, empty
/// sequences; all query tokens of a packed batch follow the last.
struct PrepareIndices {
  using Params = PrepareParams;
  static constexpr int kThreads = 256;
  static constexpr int kMinBlocks = 1;
  static constexpr int kSharedBytes = 4 * (kThreads / simt::kWarpSize);

  FATTN_DEVICE static void run(Params const& p, simt::SharedMemory memory) {
    for (int t = 0; t < static_cast<int>(IndexTensor::kCount); ++t) copy(p.tensors[t]);
    simt::sync_block();
    simt::Shared<int32_t> const shared = memory.at<int32_t>(0);
    bool const failed = check_tensors<IndexTensor::kHeadMapK, 1>(p, shared) ||
                        check_tensors<IndexTensor::kHeadMapV, 1>(p, shared) ||
                        check_tensors<IndexTensor::kWindowLeft, 3>(p, shared) ||
                        check_tensors<IndexTensor::kCuSeqLensQ, 1>(p, shared) ||
                        check_tensors<IndexTensor::kCuSeqLensK, 1>(p, shared) ||
                        check_tensors<IndexTensor::kKvLengths, 2>(p, shared) ||
                        check_tensors<IndexTensor::kCuSeqLens, 1>(p, shared) ||
                        check_tensors<IndexTensor::kLengths, 1>(p, shared) ||
                        check_tensors<IndexTensor::kKeptTokens, 1>(p, shared);
    if (failed) {
      for (int t = 0; t < static_cast<int>(IndexTensor::kCount); ++t) clear(p.tensors[t]);
    }
    simt::sync_block();
    if (simt::thread_index() != 0) return;
    if (!failed) p.report->failed = 0;
    close(p, IndexTensor::kCuSeqLensQ, p.seq_q);
    close(p, IndexTensor::kCuSeqLensK, 0);
  }

  /// The least value of all threads of the block, for all of them.
  FATTN_DEVICE static int32_t block_min(int32_t value, simt::Shared<int32_t> shared) {
    int32_t const warp = ~simt::reduce_max(~value);  // ~ turns the order round
    simt::sync_block();                              // the last minimum has been read
    if (simt::lane_index() == 0) shared.store(simt::warp_index(), warp);
    simt::sync_block();
    int32_t least = INT32_MAX;
    for (int i = 0; i < kThreads / simt::kWarpSize; ++i) {
      int32_t const other = shared.load(i);
      if (other < least) least = other;
    }
    return least;
  }

 private:
  FATTN_DEVICE static void copy(IndexSource const& tensor) {
    if (!tensor.source) return;
    for (int32_t i = simt::thread_index(); i < tensor.count; i += kThreads)
      tensor.copy[i] = tensor.source[i * tensor.stride];
  }

  FATTN_DEVICE static void clear(IndexSource const& tensor) {
    if (!tensor.source) return;
    for (int32_t i = simt::thread_index(); i < tensor.count; i += kThreads) tensor.copy[i] = 0;
  }

  /// Ends the sequence of the tokens that follow the last: at `total`, and not before it starts.
  FATTN_DEVICE static void close(PrepareParams const& p, IndexTensor which, int32_t total) {
    IndexSource const& tensor = p.tensors[static_cast<int>(which)];
    if (!tensor.source) return;
    int32_t const last = tensor.copy[tensor.count - 1];
    tensor.copy[tensor.count] = total > last ? total : last;
  }

  struct Range {
    int32_t least, most;
  };

  template <IndexTensor kTensor>
  FATTN_DEVICE static Range range(PrepareParams const& p, int32_t const* copy, int32_t position) {
    if constexpr (kTensor == IndexTensor::kHeadMapK) return {0, p.heads_k - 1};
    if constexpr (kTensor == IndexTensor::kHeadMapV) return {0, p.heads_v - 1};
    if constexpr (kTensor == IndexTensor::kWindowLeft || kTensor == IndexTensor::kWindowRight)
      return {-1, INT32_MAX};
    if constexpr (kTensor == IndexTensor::kCuSeqLensQ || kTensor == IndexTensor::kCuSeqLensK ||
                  kTensor == IndexTensor::kCuSeqLens) {
      if (position == 0) return {0, 0};
      return {copy[position - 1], kTensor == IndexTensor::kCuSeqLensQ ? p.seq_q : p.seq_kv};
    }
    if constexpr (kTensor == IndexTensor::kKvLengths || kTensor == IndexTensor::kLengths)
      return {0, p.seq_kv};
    if constexpr (kTensor == IndexTensor::kKeptTokens) return {0, INT32_MAX - p.seq_kv};
    return {0, INT32_MAX};  // sink tokens, prefix lengths
  }

  /// Notes element `position` of kTensor in `found`, if it is out of range and the first of this
  /// thread.
  template <IndexTensor kTensor>
  FATTN_DEVICE static void check(PrepareParams const& p, int32_t position, IndexReport& found) {
    IndexSource const& tensor = p.tensors[static_cast<int>(kTensor)];
    if (found.failed || !tensor.source || position >= tensor.count) return;
    Range const allowed = range<kTensor>(p, tensor.copy, position);
    int32_t const value = tensor.copy[position];
    if (value >= allowed.least && value <= allowed.most) return;
    found = {1, kTensor, position, value, allowed.least, allowed.most};
  }

  /// Checks kFirst and the kCount - 1 tensors after it, which are as long, and reports the first
  /// mistake. Whether there is one: the same answer in all threads.
  template <IndexTensor kFirst, int kCount>
  FATTN_DEVICE static bool check_tensors(PrepareParams const& p, simt::Shared<int32_t> shared) {
    constexpr int kIndex = static_cast<int>(kFirst);
    int32_t length = 0;
    for (int t = kIndex; t < kIndex + kCount; ++t)
      if (p.tensors[t].source) length = p.tensors[t].count;
    IndexReport found{};
    for (int32_t i = simt::thread_index(); i < length; i += kThreads) {
      check<kFirst>(p, i, found);
      if constexpr (kCount > 1) check<static_cast<IndexTensor>(kIndex + 1)>(p, i, found);
      if constexpr (kCount > 2) check<static_cast<IndexTensor>(kIndex + 2)>(p, i, found);
    }
    int32_t const first = block_min(found.failed ? found.position : INT32_MAX, shared);
    if (found.failed && found.position == first) *p.report = found;
    return first != INT32_MAX;
  }
};

}  // namespace fattn
